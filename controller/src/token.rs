//! Checks the controller's token: whether it can be sent, and how much entropy it has. The
//! controller checks it once, at the start. `app::people::tokens` checks the tokens of calls.

use std::{collections::BTreeSet, net::SocketAddr};

use crate::start_error::StartError;

/// The bits of entropy that a token needs on a network.
const BITS: f64 = 128.0;
/// The least number of different letters and digits that a token needs on a network.
const DIFFERENT: usize = 8;

/// Returns the token without the white space around it. An empty token counts as none. Fails if
/// clients cannot send the token, or if it is weak and `listen` is not a loopback address.
pub(crate) fn checked(
    token: Option<String>,
    listen: SocketAddr,
) -> Result<Option<String>, StartError> {
    let token = token.as_deref().map(str::trim).filter(|token| !token.is_empty());
    let is_local = listen.ip().to_canonical().is_loopback();
    let Some(token) = token else { return Ok(None) };
    if let Some(at) = token.chars().position(|one| one != ' ' && !one.is_ascii_graphic()) {
        return Err(StartError::Token(at + 1));
    }
    if !is_local && !is_strong(token) {
        return Err(StartError::Weak(listen));
    }
    Ok(Some(token.to_owned()))
}

/// Returns whether the token can have [`BITS`] bits of entropy and has [`DIFFERENT`] different
/// letters and digits. The function cannot see how the token was made, so an ordinary sentence may
/// pass. Only letters and digits count, each with the logarithm of its alphabet's size. The
/// alphabet has 10 characters for digits alone, and 16 for hexadecimal digits of one case. It has
/// 36 for digits and letters of one case, and 62 for those of both cases.
fn is_strong(token: &str) -> bool {
    let counted: Vec<char> = token.chars().filter(char::is_ascii_alphanumeric).collect();
    let different: BTreeSet<&char> = counted.iter().collect();
    let any = |is: fn(&char) -> bool| counted.iter().any(is);
    let alphabet: f64 = match (any(char::is_ascii_lowercase), any(char::is_ascii_uppercase)) {
        (false, false) => 10.0,
        (true, true) => 62.0,
        _ if counted.iter().all(char::is_ascii_hexdigit) => 16.0,
        _ => 36.0,
    };
    different.len() >= DIFFERENT && counted.len() as f64 * alphabet.log2() >= BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(token: &str, listen: &str) -> Result<Option<String>, StartError> {
        checked(Some(token.to_owned()), listen.parse().unwrap())
    }

    #[test]
    fn a_network_token_needs_128_bits_of_entropy() {
        let strong = [
            "0f3a9c5b7d1e2846a0c4e8f1b3d59726",
            "0F3A9C5B-7D1E-2846-A0C4-E8F1B3D59726",
            "kQ8vN2xWz5RtY7bLmP4sAh",
            "k8v2xwz5rty7blmp4sahq1dcu",
            "314159265358979323846264338327950288419",
        ];
        for token in strong {
            assert_eq!(check(token, "0.0.0.0:7070").unwrap().as_deref(), Some(token));
        }
        let weak = [
            "hush",
            "0f3a9c5b7d1e2846a0c4e8f1b3d5972",
            "kQ8vN2xWz5RtY7bLmP4sA",
            "31415926535897932384626433832795028841",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "abcabcabcabcabcabcabcabcabcabcabcabcabc",
            "----------------------------------------",
        ];
        for token in weak {
            assert!(matches!(check(token, "0.0.0.0:7070"), Err(StartError::Weak(_))), "{token}");
            assert!(
                matches!(check(token, "[2001:db8::1]:7070"), Err(StartError::Weak(_))),
                "{token}"
            );
            for local in ["127.0.0.1:7070", "[::1]:7070", "[::ffff:127.0.0.1]:7070"] {
                assert_eq!(check(token, local).unwrap().as_deref(), Some(token));
            }
        }
    }

    #[test]
    fn white_space_is_trimmed_and_unsendable_characters_are_refused() {
        assert_eq!(check(" hush\r\n", "127.0.0.1:7070").unwrap().as_deref(), Some("hush"));
        assert_eq!(check(" \n", "127.0.0.1:7070").unwrap(), None);
        assert_eq!(check("\t\n", "0.0.0.0:7070").unwrap(), None);
        for (token, at) in [("hü", 2), ("a\nb", 2), ("h\u{0}", 2), ("\u{7f}", 1)] {
            assert!(matches!(
                check(token, "127.0.0.1:7070"),
                Err(StartError::Token(found)) if found == at
            ));
        }
    }
}
