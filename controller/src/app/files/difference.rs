//! Compares the files of two versions of artifacts. The handlers in `api::web` call this module. It
//! changes nothing.

use std::{cmp::Ordering, collections::VecDeque, sync::Arc};

use record::artifact::{Content, Entry};

use super::{
    artifacts::Version,
    versions::{self, Wanted},
};
use crate::{
    app::{
        App,
        error::Error,
        people::caller::{Caller, Right},
    },
    store::{self, Tx},
};

/// The entries that are read from the database at once.
const PAGE: u32 = 2000;

/// A path that differs between two versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The path.
    pub(crate) path: String,
    /// The content in the old version; `None` if the path is new.
    pub(crate) old: Option<Content>,
    /// The content in the new version; `None` if the path is gone.
    pub(crate) new: Option<Content>,
}

/// How two versions differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The number of paths that only the new version has.
    pub(crate) added: u64,
    /// The number of paths that only the old version has.
    pub(crate) removed: u64,
    /// The number of paths with different contents.
    pub(crate) changed: u64,
    /// The number of paths with the same content.
    pub(crate) same: u64,
    /// Some of the paths that differ, in their order.
    pub(crate) changes: Vec<Change>,
    /// Whether more paths differ.
    pub(crate) more: bool,
}

/// Compares two versions. The answer counts all paths, and has at most `limit` of those that differ
/// and come after `after`.
///
/// # Errors
/// Fails with [`Error::Missing`] if a version does not exist.
pub(crate) async fn between(
    app: &Arc<App>,
    caller: &Caller,
    old: Wanted,
    new: Wanted,
    after: String,
    limit: usize,
) -> Result<(Version, Difference), Error> {
    let caller = caller.clone();
    app.read(move |tx, app| {
        let old = versions::find(tx, app, &caller, Right::See, &old)?;
        let new = versions::find(tx, app, &caller, Right::See, &new)?;
        let found = compare(Walk::over(tx, old.key), Walk::over(tx, new.key), &after, limit)?;
        Ok((old, found))
    })
    .await
}

/// Goes over the entries of a version, a page at a time.
struct Walk<'a> {
    tx: &'a Tx<'a>,
    key: i64,
    page: VecDeque<Entry>,
    after: String,
    ended: bool,
}

impl<'a> Walk<'a> {
    fn over(tx: &'a Tx<'a>, key: i64) -> Self {
        Self { tx, key, page: VecDeque::new(), after: String::new(), ended: false }
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty() && !self.ended {
            match store::artifacts::entries(self.tx, self.key, &self.after, PAGE) {
                Ok(page) => self.page = page.into(),
                Err(error) => return Some(Err(error.into())),
            }
            self.ended = self.page.len() < PAGE as usize;
            if let Some(last) = self.page.back() {
                self.after.clone_from(&last.path);
            }
        }
        self.page.pop_front().map(Ok)
    }
}

/// Compares two lists of entries, each in the order of its paths.
fn compare(
    mut old: impl Iterator<Item = Result<Entry, Error>>,
    mut new: impl Iterator<Item = Result<Entry, Error>>,
    after: &str,
    limit: usize,
) -> Result<Difference, Error> {
    let mut found = Difference::default();
    let (mut left, mut right) = (old.next().transpose()?, new.next().transpose()?);
    loop {
        let order = match (&left, &right) {
            (None, None) => return Ok(found),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.path.cmp(&right.path),
        };
        let before = if order.is_le() { left.take() } else { None };
        let now = if order.is_ge() { right.take() } else { None };
        if before.is_some() {
            left = old.next().transpose()?;
        }
        if now.is_some() {
            right = new.next().transpose()?;
        }
        found.note(before, now, after, limit);
    }
}

impl Difference {
    fn note(&mut self, before: Option<Entry>, now: Option<Entry>, after: &str, limit: usize) {
        match (&before, &now) {
            (None, _) => self.added += 1,
            (_, None) => self.removed += 1,
            (Some(before), Some(now)) if before.content == now.content => {
                self.same += 1;
                return;
            }
            _ => self.changed += 1,
        }
        let path = before.as_ref().or(now.as_ref()).map(|entry| entry.path.clone());
        let path = path.unwrap_or_default();
        if path.as_str() <= after {
            return;
        }
        self.more |= self.changes.len() == limit;
        if !self.more {
            let content = |entry: Option<Entry>| entry.map(|entry| entry.content);
            self.changes.push(Change { path, old: content(before), new: content(now) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(files: &[(&str, &str)]) -> Vec<Result<Entry, Error>> {
        let entry = |(path, hash): &(&str, &str)| {
            let content = Content::Blob { sha256: (*hash).to_owned(), size: 1 };
            Ok(Entry { path: (*path).to_owned(), content })
        };
        files.iter().map(entry).collect()
    }

    fn differ(old: &[(&str, &str)], new: &[(&str, &str)], after: &str, limit: usize) -> Difference {
        let (old, new) = (version(old), version(new));
        compare(old.into_iter(), new.into_iter(), after, limit).unwrap()
    }

    #[test]
    fn paths_are_added_removed_changed_or_the_same() {
        let (old, new) =
            ([("a", "1"), ("b", "1"), ("d", "1")], [("b", "2"), ("c", "1"), ("d", "1")]);
        let found = differ(&old, &new, "", 9);
        assert_eq!((found.added, found.removed, found.changed, found.same), (1, 1, 1, 1));
        let paths: Vec<&str> = found.changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!((paths, found.more), (vec!["a", "b", "c"], false));
        assert_eq!(differ(&old, &old, "", 9).changes, []);
        assert_eq!(differ(&[], &new, "", 9).added, 3);
        assert_eq!(differ(&old, &[], "", 9).removed, 3);
    }

    #[test]
    fn pages_follow_each_other_and_the_counts_stay() {
        let new = [("a", "1"), ("b", "1"), ("c", "1")];
        let first = differ(&[], &new, "", 2);
        assert_eq!((first.changes.len(), first.more, first.added), (2, true, 3));
        let second = differ(&[], &new, &first.changes[1].path, 2);
        assert_eq!((second.changes.len(), second.more, second.added), (1, false, 3));
        assert_eq!(second.changes[0].path, "c");
    }

    #[test]
    fn references_differ_by_their_address_or_digest() {
        let reference = |digest: Option<&str>| {
            let digest = digest.map(str::to_owned);
            let content = Content::Reference { url: "s3://b/x".to_owned(), digest };
            vec![Ok(Entry { path: "x".to_owned(), content })]
        };
        let differ = |old, new| {
            compare(reference(old).into_iter(), reference(new).into_iter(), "", 9).unwrap().changed
        };
        assert_eq!(differ(Some("1"), Some("2")), 1);
        assert_eq!(differ(Some("1"), Some("1")), 0);
    }
}
