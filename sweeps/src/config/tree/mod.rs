//! Parses the YAML text into a tree in which every node has its place in the text. `check` calls
//! [`parse`], the readers of the keys walk the tree, and `render` calls [`lines`]. The parser
//! follows anchors and merges merge keys (`<<`), within limits on text, depth and size. So even a
//! hostile text costs only a fraction of a second. This module does not interpret keys, apart from
//! `<<`.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span as Marked, Tag};

use super::{
    problem::{At, Report, Span},
    scalar::Core,
    syntax, tag,
    text::code,
};

/// The longest text, in bytes. The largest real sweeps have about a hundredth of this size.
pub(super) const MAX_BYTES: usize = 1 << 20;
/// The deepest nesting of lists and mappings, also through aliases. Recursive functions over the
/// tree rely on this limit.
const MAX_DEPTH: usize = 64;
/// The largest number of nodes, where each alias counts all nodes that it stands for.
const MAX_NODES: usize = 100_000;
/// The largest number of bytes of all scalars, where each alias counts all scalars that it stands
/// for.
const MAX_SCALARS: usize = 4 << 20;

/// A node of the tree: a scalar, list or mapping. A clone shares the content, and so is cheap.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The place of the node. A node behind an alias has the place of the alias. The value of a key
    /// has the place of the key if the value is empty, or is a list or mapping without a bracket.
    pub(super) span: Span,
    /// The kind of the node, with its content.
    pub(super) kind: Kind,
}

/// The three kinds of nodes.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A leaf.
    Scalar(Rc<Scalar>),
    /// A list, with its items in order.
    List(Rc<Vec<Node>>),
    /// A mapping, with its keys and values in order; keys may be repeated.
    Map(Rc<Vec<(Node, Node)>>),
}

/// A leaf.
#[derive(Debug)]
pub(super) struct Scalar {
    /// The characters, without quotes.
    pub(super) text: String,
    /// Whether the scalar is neither quoted nor tagged, so that its meaning depends on its
    /// characters alone.
    pub(super) plain: bool,
    /// The meaning of the scalar in YAML 1.2, by its tag, its quotes or its characters.
    pub(super) core: Core,
}

impl Node {
    /// Returns the characters of a scalar, quoted or not. Returns `None` for lists and mappings.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }
}

/// Iterates over the lines of a text, as this module counts them.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    // A carriage return alone ends a line too. A newline directly behind a carriage return ends no
    // further line.
    text.split_inclusive('\n').flat_map(|line| {
        line.strip_suffix('\n').map_or(line, |l| l.strip_suffix('\r').unwrap_or(l)).split('\r')
    })
}

/// Parses the tree of the text's only document. Returns `None` if there is none, or if an error in
/// `report` says why.
pub(super) fn parse(text: &str, report: &mut Report) -> Option<Node> {
    let start = Span { line: 1, first: 1, last: 1 };
    if text.len() > MAX_BYTES {
        let megabytes = text.len().div_ceil(1_000_000);
        report
            .error(
                At { path: "", span: start },
                format!("this file has about {megabytes} MB; a sweep has at most 1 MiB"),
            )
            .hint("check that it is the right file, and load long lists in the program");
        return None;
    }
    if let Some(line) = lines(text).position(|line| line.starts_with("%TAG")) {
        let span = Span { line: line + 1, ..start };
        report
            .error(At { path: "", span }, "`%TAG` means nothing in a sweep")
            .hint("remove the line");
        return None;
    }
    if let Some(span) = nul(text) {
        report
            .error(
                At { path: "", span },
                "this file holds a NUL character, which no text file can hold",
            )
            .hint("remove it, or save the file as plain UTF-8 text");
        return None;
    }
    let mut builder = Builder::new(text);
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let (message, hint) = syntax::explain(error.info(), builder.open_bracket());
                let span = builder.place(*error.marker(), *error.marker());
                report.error(At { path: "", span }, message).hint(hint);
                return None;
            }
        };
        if builder.take(event, span, report).is_err() {
            break;
        }
    }
    // A node that is not inside of another one is the root of a document. After a [`Stop`], the
    // builder has no root, or that of the first document.
    let empty = builder.root.as_ref().is_none_or(|root| root.text() == Some(""));
    if empty && report.errors() == 0 {
        report
            .error(At { path: "", span: start }, "the file is empty")
            .hint("begin with `method: random` and `parameters:`");
    }
    builder.root.filter(|_| !empty)
}

/// Returns the place of the first NUL character, at which the parser would treat the text as ended.
fn nul(text: &str) -> Option<Span> {
    let in_line = |line: &str| line.chars().position(|character| character == '\0');
    let (line, column) = lines(text)
        .enumerate()
        .find_map(|(index, line)| in_line(line).map(|at| (index + 1, at + 1)))?;
    Some(Span { line, first: column, last: column })
}

/// The sign that an error was reported, and that the rest of the text is not read.
struct Stop;

/// The size of a node.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
    /// The number of levels of lists and mappings.
    height: usize,
}

impl Size {
    fn add(&mut self, part: Size) {
        self.nodes += part.nodes;
        self.bytes += part.bytes;
        self.height = self.height.max(part.height);
    }
}

/// A list or mapping that is not finished.
struct Open {
    map: bool,
    /// The items, or keys and values in turn.
    nodes: Vec<Node>,
    start: Marker,
    /// The opening bracket; `None` if there is none.
    bracket: Option<char>,
    anchor: usize,
    size: Size,
}

struct Builder {
    /// The text's characters. The parser's positions count characters.
    characters: Vec<char>,
    /// The number of characters of each line.
    lengths: Vec<usize>,
    open: Vec<Open>,
    /// The finished nodes with an anchor. The parser numbers anchors from 1.
    anchors: BTreeMap<usize, (Node, Size)>,
    total: Size,
    documents: usize,
    root: Option<Node>,
}

impl Builder {
    fn new(text: &str) -> Builder {
        Builder {
            characters: text.chars().collect(),
            lengths: lines(text).map(|line| line.chars().count()).collect(),
            open: Vec::new(),
            anchors: BTreeMap::new(),
            total: Size::default(),
            documents: 0,
            root: None,
        }
    }

    fn take(&mut self, event: Event<'_>, span: Marked, report: &mut Report) -> Result<(), Stop> {
        match event {
            Event::DocumentStart(_) => self.document(span, report),
            Event::SequenceStart(anchor, tag) => {
                self.begin(false, anchor, tag.as_deref(), span, report)
            }
            Event::MappingStart(anchor, tag) => {
                self.begin(true, anchor, tag.as_deref(), span, report)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span, report),
            Event::Alias(anchor) => self.alias(anchor, span, report),
            Event::Scalar(text, style, anchor, tag) => {
                let place = self.place(span.start, span.end);
                let core = tag::meaning(&text, style, tag.as_deref()).unwrap_or_else(|complaint| {
                    report
                        .error(At { path: "", span: place }, complaint)
                        .hint("remove the tag; quotes make text");
                    Core::Text
                });
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let size = Size { nodes: 1, bytes: text.len(), height: 0 };
                let hidden = plain && text.is_empty();
                let kind = Kind::Scalar(Rc::new(Scalar { text: text.into_owned(), plain, core }));
                self.spend(size, place, report)?;
                self.finish(Node { span: place, kind }, size, anchor, hidden);
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn document(&mut self, span: Marked, report: &mut Report) -> Result<(), Stop> {
        self.documents += 1;
        if self.documents == 1 {
            return Ok(());
        }
        let span = self.place(span.start, span.end);
        report
            .error(At { path: "", span }, "a second document begins here")
            .hint("write one sweep per file");
        Err(Stop)
    }

    fn begin(
        &mut self,
        map: bool,
        anchor: usize,
        tag: Option<&Tag>,
        span: Marked,
        report: &mut Report,
    ) -> Result<(), Stop> {
        let place = self.place(span.start, span.end);
        let expected = if map { "map" } else { "seq" };
        if let Some(tag) = tag.filter(|tag| tag::core(tag) != Some(expected)) {
            let message = format!("the tag {} means nothing in a sweep", code(&tag.to_string()));
            report.error(At { path: "", span: place }, message).hint("remove it");
        }
        if self.open.len() >= MAX_DEPTH {
            return too_deep(place, report);
        }
        let last = span.end.index().checked_sub(1).and_then(|index| self.characters.get(index));
        let bracket = last.copied().filter(|character| *character == if map { '{' } else { '[' });
        self.open.push(Open {
            map,
            nodes: Vec::new(),
            start: span.start,
            bracket,
            anchor,
            size: Size::default(),
        });
        Ok(())
    }

    fn end(&mut self, span: Marked, report: &mut Report) -> Result<(), Stop> {
        let open = self.open.pop().expect("the parser ends only what it began");
        let place = self.place(open.start, span.end);
        self.spend(Size { nodes: 1, ..Size::default() }, place, report)?;
        let mut size = open.size;
        size.nodes += 1;
        size.height += 1;
        let kind = if open.map {
            Kind::Map(Rc::new(merged(pairs(open.nodes), report)))
        } else {
            Kind::List(Rc::new(open.nodes))
        };
        // A list or mapping without a bracket begins below its key. The key is the better place for
        // a message.
        self.finish(Node { span: place, kind }, size, open.anchor, open.bracket.is_none());
        Ok(())
    }

    /// Takes an alias: a further use of an anchor's node. The whole size of the node counts again
    /// before the node is used.
    fn alias(&mut self, anchor: usize, span: Marked, report: &mut Report) -> Result<(), Stop> {
        let span = self.place(span.start, span.end);
        let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
            let message = "this alias is part of what it stands for";
            report
                .error(At { path: "", span }, message)
                .hint("write the value out: it cannot contain itself");
            return Err(Stop);
        };
        if self.open.len() + size.height > MAX_DEPTH {
            return too_deep(span, report);
        }
        self.spend(size, span, report)?;
        self.finish(Node { span, ..node }, size, 0, false);
        Ok(())
    }

    fn spend(&mut self, size: Size, span: Span, report: &mut Report) -> Result<(), Stop> {
        self.total.add(size);
        if self.total.nodes <= MAX_NODES && self.total.bytes <= MAX_SCALARS {
            return Ok(());
        }
        let message = format!(
            "this file has more than {MAX_NODES} values or 4 MiB of text, aliases followed"
        );
        report
            .error(At { path: "", span }, message)
            .hint("load long lists in the program, and sweep over a name or an index");
        Err(Stop)
    }

    /// Adds a finished node to the open list or mapping that contains it, or makes it the root. A
    /// `hidden` node has no visible start in the text.
    fn finish(&mut self, mut node: Node, size: Size, anchor: usize, hidden: bool) {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        if hidden && open.map && open.nodes.len() % 2 == 1 {
            node.span = open.nodes[open.nodes.len() - 1].span;
        }
        open.nodes.push(node);
        open.size.add(size);
    }

    /// Returns the bracket of the innermost open list or mapping, and the line of this bracket;
    /// `None` if it has no bracket.
    fn open_bracket(&self) -> Option<(char, usize)> {
        let open = self.open.last()?;
        Some((open.bracket?, open.start.line()))
    }

    /// Returns the span from `start` to `end`. If `end` is on another line, the span ends at the
    /// end of the line of `start`.
    fn place(&self, start: Marker, end: Marker) -> Span {
        let count = self.lengths.len();
        let length = |line: usize| self.lengths.get(line - 1).copied().unwrap_or(0);
        if start.line() > count {
            let (line, first) = (count.max(1), length(count.max(1)).max(1));
            return Span { line, first, last: first };
        }
        let line = start.line().max(1);
        let first = start.col() + 1;
        let last = if end.line() == start.line() { end.col() } else { length(line) };
        Span { line, first, last: last.max(first) }
    }
}

fn too_deep(span: Span, report: &mut Report) -> Result<(), Stop> {
    let message = format!("this is nested deeper than {MAX_DEPTH} levels");
    report.error(At { path: "", span }, message).hint("a sweep needs a handful of levels");
    Err(Stop)
}

fn pairs(nodes: Vec<Node>) -> Vec<(Node, Node)> {
    let mut nodes = nodes.into_iter();
    let mut pairs = Vec::with_capacity(nodes.len() / 2);
    while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
        pairs.push((key, value));
    }
    pairs
}

/// Replaces every merge key (`<<: *defaults`, or a list of aliases) by the entries of the mappings
/// that it names. If a key occurs more than once, the mapping's own entry wins, and after it the
/// entry of the earliest alias. YAML 1.2 dropped merge keys, but people still use them.
fn merged(entries: Vec<(Node, Node)>, report: &mut Report) -> Vec<(Node, Node)> {
    let is_merge = |key: &Node| matches!(&key.kind, Kind::Scalar(s) if s.plain && s.text == "<<");
    if !entries.iter().any(|(key, _)| is_merge(key)) {
        return entries;
    }
    let (merges, mut entries): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|(key, _)| is_merge(key));
    let mut known: BTreeSet<String> =
        entries.iter().filter_map(|(key, _)| key.text().map(str::to_owned)).collect();
    for (key, value) in merges {
        let sources = match &value.kind {
            Kind::List(items) => items.iter().cloned().collect(),
            _ => vec![value],
        };
        for source in sources {
            let Kind::Map(map) = &source.kind else {
                let message = "`<<` merges mappings, and this is none";
                report
                    .error(At { path: "", span: key.span }, message)
                    .hint("write `<<: *name` for a mapping `&name`");
                continue;
            };
            for (key, value) in map.iter() {
                if key.text().is_some_and(|text| known.insert(text.to_owned())) {
                    entries.push((key.clone(), value.clone()));
                }
            }
        }
    }
    entries
}

#[cfg(test)]
mod tests;
