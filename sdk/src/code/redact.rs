//! Removes secrets from texts before they are stored. Secrets are values of flags and variables
//! whose names suggest a secret, passwords in URLs, keys of well-known services, and private keys.
//! `code` calls this module. If in doubt, the module removes a text. The module is pure: it opens
//! no file and makes no call.

/// The mark that replaces a secret.
const REDACTED: &str = "[redacted]";
/// The words that mark a secret: if one word of a name is in this list, the value of the name is a
/// secret.
const SECRET_WORDS: [&str; 14] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "pw",
    "key",
    "apikey",
    "credential",
    "credentials",
    "auth",
    "authorization",
    "bearer",
];
/// The prefixes of access keys of well-known services.
const KEY_PREFIXES: [&str; 12] = [
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "hf_",
    "sk-",
    "xoxb-",
    "xoxp-",
    "AIza",
];
/// The smallest length, in bytes, of a word that counts as an access key.
const LEAST_KEY: usize = 16;

/// Returns the arguments of a command with a mark in place of each secret. The argument after a
/// flag such as `--token` is a secret, unless it begins with `--`.
pub(crate) fn arguments(arguments: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut follows = false;
    let hide = |argument: String| {
        if std::mem::take(&mut follows) && !argument.starts_with("--") {
            return REDACTED.to_owned();
        }
        let is_flag = argument.starts_with('-');
        follows = is_flag && !argument.contains('=') && is_secret(&argument);
        line(&argument)
    };
    arguments.into_iter().map(hide).collect()
}

/// Returns a text of several lines with a mark in place of each secret. One mark replaces all lines
/// of a private key.
pub(crate) fn text(text: &str) -> String {
    let mut inside_key = false;
    let mut out = String::with_capacity(text.len());
    for one in text.split_inclusive('\n') {
        let ends = one.contains("-----END") && one.contains("PRIVATE KEY");
        if one.contains("-----BEGIN") && one.contains("PRIVATE KEY") {
            inside_key = !ends;
            out.push_str(&one.replace(one.trim_end(), REDACTED));
        } else if inside_key {
            inside_key = !ends;
        } else {
            out.push_str(&line(one));
        }
    }
    out
}

/// Returns one line with a mark in place of each secret.
fn line(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(is_edge) {
        out.push_str(&word(&rest[..at]));
        let mut edge = rest[at..].chars();
        out.extend(edge.next());
        // In `name = value` and `"name": "value"`, the text after `=` or `:` is the value of the
        // name before the sign.
        let after = edge.as_str();
        let sign = &rest[at..at + 1];
        rest = match (sign, is_secret(last_name(&rest[..at], &out))) {
            ("=" | ":", true) if !after.starts_with("//") && !after.starts_with(':') => {
                hidden(after, &mut out)
            }
            _ => after,
        };
    }
    out.push_str(&word(rest));
    without_passwords(&out)
}

/// Returns the name before `=` or `:`. The name is `word`. If `word` is empty, the name is the last
/// word of `written`, without the quotes, blanks and signs at the end.
fn last_name<'a>(word: &'a str, written: &'a str) -> &'a str {
    if !word.is_empty() {
        return word;
    }
    let trimmed = written.trim_end_matches(['=', ':', '"', '\'', ' ', '\t', ']']);
    trimmed.rsplit(is_edge).next().unwrap_or_default()
}

/// Writes the blanks and quotes at the start of `after`, then the mark in place of the value.
/// Returns the text after the value.
fn hidden<'a>(after: &'a str, out: &mut String) -> &'a str {
    let value = after.trim_start_matches([' ', '\t', '"', '\'', '=']);
    out.push_str(&after[..after.len() - value.len()]);
    let end = value.find(['"', '\'', ',', ';', '&', '\n', '\r']).unwrap_or(value.len());
    if end > 0 {
        out.push_str(REDACTED);
    }
    &value[end..]
}

fn is_edge(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(
            letter,
            '=' | ':'
                | '"'
                | '\''
                | ','
                | ';'
                | '&'
                | '?'
                | '('
                | ')'
                | '['
                | ']'
                | '{'
                | '}'
                | '<'
                | '>'
                | '`'
        )
}

/// Returns the word, or the mark if the word has the form of an access key of a well-known service.
fn word(word: &str) -> String {
    let body = word.trim_start_matches(['+', '-']);
    let is_key = body.len() >= LEAST_KEY
        && KEY_PREFIXES.iter().any(|prefix| body.starts_with(prefix))
        && body
            .bytes()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == b'_' || letter == b'-');
    if is_key { REDACTED.to_owned() } else { word.to_owned() }
}

/// Returns true if one whole word of the name of a flag or variable is in [`SECRET_WORDS`]. For
/// example, `key` is a whole word of `apiKey` and `api_key`, but not of `keyboard`.
fn is_secret(name: &str) -> bool {
    let mut word = String::new();
    let mut lower = false;
    for letter in name.chars().chain(['_']) {
        let starts = !letter.is_alphanumeric() || (letter.is_uppercase() && lower);
        if starts && SECRET_WORDS.contains(&word.to_lowercase().as_str()) {
            return true;
        }
        if starts {
            word.clear();
        }
        if letter.is_alphanumeric() {
            word.push(letter);
        }
        lower = letter.is_lowercase();
    }
    false
}

/// Replaces the user name and the password in `scheme://user:password@host` with the mark. The
/// scheme and the host stay.
fn without_passwords(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|letter: char| {
            letter.is_whitespace() || matches!(letter, '/' | '"' | '\'' | '?' | '#')
        });
        let authority = &after[..end.unwrap_or(after.len())];
        rest = match authority.rfind('@') {
            Some(at) => {
                out.push_str(REDACTED);
                &after[at..]
            }
            None => after,
        };
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> String {
        arguments(line.split(' ').map(str::to_owned)).join(" ")
    }

    #[test]
    fn secrets_are_removed_from_a_command_line() {
        for (line, want) in [
            ("train --token abc --lr 0.1", "train --token [redacted] --lr 0.1"),
            ("train --api-key=abc -x", "train --api-key=[redacted] -x"),
            ("HF_TOKEN=abc train", "HF_TOKEN=[redacted] train"),
            ("KEY=abc awsSecretAccessKey=x/y+z", "KEY=[redacted] awsSecretAccessKey=[redacted]"),
            (
                "get https://me:pw@host/x?token=abc&y=1",
                "get https://[redacted]@host/x?token=[redacted]&y=1",
            ),
            ("s3 AKIAIOSFODNN7EXAMPLE1", "s3 [redacted]"),
            (
                "--max-tokens 5 --tokenizer bpe --author me",
                "--max-tokens 5 --tokenizer bpe --author me",
            ),
            ("--lr=0.1 a:b http://host:80/x", "--lr=0.1 a:b http://host:80/x"),
            ("--password --lr 1", "--password --lr 1"),
        ] {
            assert_eq!(command(line), want);
        }
    }

    #[test]
    fn secrets_are_removed_from_a_diff() {
        let diff = "+api_key = \"abc\"\n-    \"password\": \"x y\", 1\n+let key = 3;\n+-----BEGIN \
            RSA PRIVATE KEY-----\n+MIIE\n\
                    +-----END RSA PRIVATE KEY-----\n+ok ghp_0123456789abcdefghij\n context: \
                    tokens\n";
        let want = "+api_key = \"[redacted]\"\n-    \"password\": \"[redacted]\", 1\n+let key = \
            [redacted];\n[redacted]\n\
                    +ok [redacted]\n context: tokens\n";
        assert_eq!(text(diff), want);
    }
}
