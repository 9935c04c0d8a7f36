//! Maps each kind of error to a gRPC status, in one table. The metadata of the status hold a hint,
//! and the offset that an append needs as `besom-offset`.

use proto::dial::{self, OFFSET_KEY};
use tonic::{Code, Status};

use crate::app::{
    error::{Error, Why, Words},
    text::cut,
};

/// Translates an error for a client of gRPC.
pub(super) fn status(error: Error) -> Status {
    match error {
        Error::Invalid(words) => tell(Code::InvalidArgument, words),
        Error::Missing(words) => tell(Code::NotFound, words),
        Error::Refused(Why::State | Why::Blob, words) => tell(Code::FailedPrecondition, words),
        Error::Refused(Why::Room, words) => tell(Code::ResourceExhausted, words),
        Error::Refused(Why::Fenced, words) => tell(Code::Aborted, words),
        Error::Refused(Why::Forbidden, words) => tell(Code::PermissionDenied, words),
        Error::Refused(Why::Unknown, words) => tell(Code::Unauthenticated, words),
        Error::Refused(Why::Gap { next }, words) => {
            let mut status = tell(Code::OutOfRange, words);
            status.metadata_mut().insert(OFFSET_KEY, next.into());
            status
        }
        Error::Busy(words) => tell(Code::Unavailable, words),
        Error::Damaged(words) => tell(Code::DataLoss, words),
        Error::Disk(reason) | Error::Gone(reason) | Error::Torn(reason) => {
            tell(Code::Unavailable, Words { message: reason, hint: None })
        }
        Error::Bug(reason) => {
            // The reason may contain other people's data, so it goes to the log and not to the
            // caller.
            tracing::error!("{reason}");
            Status::internal("a bug in the controller; its log says more")
        }
    }
}

/// The longest error message, in bytes. The message travels in a header, where each byte takes up
/// to three bytes. Clients accept 16 KiB of headers.
const MESSAGE: usize = 5000;

fn tell(code: Code, words: Words) -> Status {
    let message = cut(&words.message, MESSAGE);
    let mut status = Status::new(code, message);
    if let Some(hint) = words.hint {
        dial::advise(&mut status, cut(&hint, MESSAGE / 5));
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_carries_its_offset_and_an_error_its_hint() {
        let gap = status(Error::refused(Why::Gap { next: 42 }, "rows are missing"));
        assert_eq!(
            (gap.code(), gap.metadata().get("besom-offset").unwrap().to_str().unwrap()),
            (Code::OutOfRange, "42")
        );
        let missing = status(Error::no_sweep(&"abc".into()));
        assert_eq!((missing.code(), missing.message()), (Code::NotFound, "no sweep `abc`"));
        assert_eq!(dial::hint(&missing).unwrap(), "`sweep ls` shows what there is");
    }

    #[test]
    fn a_hint_may_have_any_characters() {
        let hint = "did you mean `größe`?\nor `大きさ`, 50 % of it";
        let found = status(Error::invalid("no parameter `x`").hint(hint));
        assert_eq!(dial::hint(&found).unwrap(), hint);
    }
}
