//! Makes the tree of a text from the events of the parser.

use pulldown_cmark::{Alignment, CodeBlockKind, Event, Options, Parser, Tag};

use super::tree::{ListItem, Side, TextBlock, TextSpan, TextTree};
use crate::{app::text::cut, settings::MarkdownLimits};

/// What a part of the text becomes when it ends.
enum Open {
    Root,
    Paragraph,
    Heading(u8),
    Quote,
    Code(String),
    List(Option<u32>),
    Item(Option<bool>),
    Table(Vec<Side>),
    Row,
    Cell,
    Emphasis,
    Strong,
    Strike,
    Link(Option<String>),
    Image(Option<String>),
}

/// A part of the text that has begun, with what it contains so far.
struct Frame {
    open: Open,
    blocks: Vec<TextBlock>,
    spans: Vec<TextSpan>,
    items: Vec<ListItem>,
    rows: Vec<Vec<Vec<TextSpan>>>,
    cells: Vec<Vec<TextSpan>>,
}

impl Frame {
    fn new(open: Open) -> Self {
        let (blocks, spans, items) = (Vec::new(), Vec::new(), Vec::new());
        Self { open, blocks, spans, items, rows: Vec::new(), cells: Vec::new() }
    }

    /// Makes a paragraph of spans that stand between blocks, as in an item of a short list.
    fn settle(&mut self) {
        if !self.spans.is_empty() {
            self.blocks.push(TextBlock::Paragraph { spans: std::mem::take(&mut self.spans) });
        }
    }

    fn block(&mut self, block: TextBlock) {
        self.settle();
        self.blocks.push(block);
    }

    fn text(&mut self, more: &str) {
        match self.spans.last_mut() {
            Some(TextSpan::Text { text }) => text.push_str(more),
            _ => self.spans.push(TextSpan::Text { text: more.to_owned() }),
        }
    }
}

/// The frames that have begun, the innermost last, and how much room is left.
struct Builder<'a> {
    frames: Vec<Frame>,
    limits: &'a MarkdownLimits,
    nodes: usize,
}

/// Returns the tree of a text.
pub(super) fn document(text: &str, limits: &MarkdownLimits) -> TextTree {
    let kept = cut(text, limits.bytes);
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut builder = Builder { frames: vec![Frame::new(Open::Root)], limits, nodes: 0 };
    let mut is_cut = kept.len() < text.len();
    for event in Parser::new_ext(kept, options) {
        if !builder.has_room() {
            is_cut = true;
            break;
        }
        builder.take(event);
    }
    while builder.frames.len() > 1 {
        builder.end();
    }
    let mut root = builder.frames.pop().unwrap_or_else(|| Frame::new(Open::Root));
    root.settle();
    TextTree { blocks: root.blocks, cut: is_cut }
}

impl Builder<'_> {
    fn has_room(&self) -> bool {
        self.frames.len() <= self.limits.depth && self.nodes < self.limits.nodes
    }

    fn last(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::new(Open::Root));
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn take(&mut self, event: Event<'_>) {
        self.nodes += 1;
        match event {
            Event::Start(tag) => {
                if let Some(open) = self.opened(tag) {
                    self.frames.push(Frame::new(open));
                }
            }
            Event::End(tag) => {
                use pulldown_cmark::TagEnd::{HtmlBlock, TableHead};
                match tag {
                    HtmlBlock => self.last().settle(),
                    // The cells of the head wait in the table's frame.
                    TableHead => {}
                    _ if self.frames.len() > 1 => self.end(),
                    _ => {}
                }
            }
            Event::Code(text) => {
                self.last().spans.push(TextSpan::Code { text: text.into_string() });
            }
            Event::SoftBreak => self.last().text("\n"),
            Event::HardBreak => self.last().spans.push(TextSpan::Break),
            Event::Rule => self.last().block(TextBlock::Rule),
            Event::TaskListMarker(done) => self.last().open = Open::Item(Some(done)),
            // Without its options, the parser makes neither formulas nor footnotes.
            Event::Text(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => {
                self.last().text(&text);
            }
        }
    }

    /// Returns what begins with a tag; `None` if its contents belong to what is open already.
    fn opened(&mut self, tag: Tag<'_>) -> Option<Open> {
        Some(match tag {
            Tag::Paragraph => Open::Paragraph,
            Tag::Heading { level, .. } => Open::Heading(level as u8),
            Tag::BlockQuote(_) => Open::Quote,
            Tag::CodeBlock(kind) => Open::Code(match kind {
                CodeBlockKind::Fenced(language) => cut(&language, 40).to_owned(),
                CodeBlockKind::Indented => String::new(),
            }),
            Tag::List(first) => Open::List(first.map(|first| first.try_into().unwrap_or(1))),
            Tag::Item => Open::Item(None),
            Tag::Table(sides) => Open::Table(sides.into_iter().map(side).collect()),
            Tag::TableRow => Open::Row,
            Tag::TableCell => Open::Cell,
            Tag::Emphasis => Open::Emphasis,
            Tag::Strong => Open::Strong,
            Tag::Strikethrough => Open::Strike,
            Tag::Link { dest_url, .. } => Open::Link(link(&dest_url)),
            Tag::Image { dest_url, .. } => Open::Image(file(&dest_url)),
            Tag::HtmlBlock => {
                self.last().settle();
                return None;
            }
            Tag::TableHead => return None,
            // Without its options, the parser makes no other tags.
            _ => Open::Paragraph,
        })
    }

    /// Ends the innermost part, and adds it to the one around it.
    fn end(&mut self) {
        let Some(mut frame) = self.frames.pop() else { return };
        let open = std::mem::replace(&mut frame.open, Open::Root);
        if matches!(open, Open::Quote | Open::Item(_)) {
            frame.settle();
        }
        let Frame { blocks, spans, items, rows, cells, .. } = frame;
        let around = self.last();
        match open {
            Open::Root => {}
            Open::Paragraph => around.block(TextBlock::Paragraph { spans }),
            Open::Heading(level) => around.block(TextBlock::Heading { level, spans }),
            Open::Quote => around.block(TextBlock::Quote { blocks }),
            Open::Code(language) => {
                around.block(TextBlock::Code { language, text: plain(&spans) });
            }
            Open::List(first) => around.block(TextBlock::List { first, items }),
            Open::Item(done) => around.items.push(ListItem { done, blocks }),
            Open::Table(sides) => around.block(TextBlock::Table { sides, head: cells, rows }),
            Open::Row => around.rows.push(cells),
            Open::Cell => around.cells.push(spans),
            Open::Emphasis => around.spans.push(TextSpan::Emphasis { spans }),
            Open::Strong => around.spans.push(TextSpan::Strong { spans }),
            Open::Strike => around.spans.push(TextSpan::Strike { spans }),
            Open::Link(Some(to)) => around.spans.push(TextSpan::Link { to, spans }),
            // The words of a link that leads nowhere stay.
            Open::Link(None) => around.spans.extend(spans),
            Open::Image(Some(path)) => {
                around.spans.push(TextSpan::Image { path, text: plain(&spans) });
            }
            Open::Image(None) => around.text(&plain(&spans)),
        }
    }
}

fn side(alignment: Alignment) -> Side {
    match alignment {
        Alignment::None | Alignment::Left => Side::Left,
        Alignment::Center => Side::Center,
        Alignment::Right => Side::Right,
    }
}

/// Returns the words of spans, without their form.
fn plain(spans: &[TextSpan]) -> String {
    let mut all = String::new();
    for span in spans {
        match span {
            TextSpan::Text { text } | TextSpan::Code { text } | TextSpan::Image { text, .. } => {
                all.push_str(text);
            }
            TextSpan::Emphasis { spans }
            | TextSpan::Strong { spans }
            | TextSpan::Strike { spans }
            | TextSpan::Link { spans, .. } => all.push_str(&plain(spans)),
            TextSpan::Break => all.push(' '),
        }
    }
    all
}

/// Returns an address without the signs that browsers leave out of addresses.
fn cleaned(address: &str) -> String {
    address.chars().filter(|sign| !sign.is_control()).collect::<String>().trim().to_owned()
}

/// Returns the scheme of an address, such as `https`; `None` if the address is relative.
fn scheme(address: &str) -> Option<&str> {
    let (before, _) = address.split_once(':')?;
    (!before.contains(['/', '?', '#'])).then_some(before)
}

/// Returns an address to which a link may lead.
fn link(address: &str) -> Option<String> {
    let address = cleaned(address);
    let known = |scheme: &str| {
        ["http", "https", "mailto"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
    };
    (!address.is_empty() && scheme(&address).is_none_or(known)).then_some(address)
}

/// Returns the path of an image among the files of a run.
fn file(address: &str) -> Option<String> {
    let path = cleaned(address);
    let is_inside = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    (is_inside && scheme(&path).is_none() && !path.contains(['\\', '?', '#'])).then_some(path)
}
