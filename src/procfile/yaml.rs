//! YAML text to a tree in which every node knows its line and every scalar keeps its source text.
//!
//! A typed reader would have made `1.50` a number and `on` a truth value before we could say what they are. Nothing is
//! decided here but what the syntax itself says. An alias shares the node that it stands for, and counts as a copy of
//! it: [`NODES`] and [`TEXT`] bound what a walk over the tree can meet, [`DEPTH`] how deep it can go, whatever the input.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag, options};

use super::problem::{Path, Problem, shown};
use super::words::is_continued;

/// More than a Procfile of 100 processes with 250 variables each needs.
pub(super) const NODES: usize = 100_000;

/// Bytes, of the input and of the tree. The API server takes objects of 1.5 MiB.
pub(super) const TEXT: usize = 1024 * 1024;

/// A Procfile is 8 deep at most.
const DEPTH: usize = 32;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// From 1.
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Scalar(Scalar),
    List(Vec<Rc<Node>>),
    /// In the order of the text, with duplicates and merge keys.
    Map(Vec<(Rc<Node>, Rc<Node>)>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// Written without quotes, so that it may be a number, a truth value or null.
    pub(super) plain: bool,
    /// The number of its lines in the source that end with a backslash. YAML has joined them with a space, but for those of a
    /// literal block, and knows no such thing but in double quotes.
    pub(super) continued: usize,
}

impl Node {
    pub(super) fn new(line: usize, value: Value) -> Self {
        Self { line, value }
    }

    /// The text of a scalar, quoted or not.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// `~`, `null`, or nothing at all.
    pub(super) fn is_null(&self) -> bool {
        match &self.value {
            Value::Scalar(scalar) => {
                scalar.plain && ["", "~", "null", "Null", "NULL"].contains(&scalar.text.as_str())
            }
            Value::List(_) | Value::Map(_) => false,
        }
    }
}

/// The first document of a stream; `None` if it is empty.
pub(super) fn read(text: &str) -> Result<Option<Rc<Node>>, Problem> {
    let options = options! {
        emit_comments: false,
        flow_nesting_limit: DEPTH,
        block_nesting_limit: DEPTH,
        // As libyaml, which Empire used.
        block_scalar_eof_without_line_feed: true,
    };
    let mut tree = Tree {
        source: text.lines().collect(),
        ..Tree::default()
    };
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|error| tree.malformed(&error))?;
        if matches!(event, Event::DocumentEnd) {
            break;
        }
        tree.take(event, &span)?;
    }
    Ok(tree.root)
}

/// The nodes read so far.
#[derive(Default)]
struct Tree<'a> {
    source: Vec<&'a str>,
    root: Option<Rc<Node>>,
    /// Collections that have not ended.
    open: Vec<Open>,
    anchors: BTreeMap<usize, Anchored>,
    nodes: usize,
    text: usize,
}

struct Open {
    node: Node,
    /// A map's key that has no value yet.
    key: Option<Rc<Node>>,
    anchor: usize,
    /// The counts of what had been read when it began.
    before: (usize, usize),
    /// The height of the deepest collection in it.
    height: usize,
}

/// A node that aliases may stand for, with its size.
#[derive(Clone)]
struct Anchored {
    node: Rc<Node>,
    nodes: usize,
    text: usize,
    height: usize,
}

impl Tree<'_> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is no node, or only told on request"
    )]
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Problem> {
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = match tag.as_deref().map(Tag::core_suffix) {
                    None => style == ScalarStyle::Plain,
                    Some(Some("str")) => false,
                    Some(_) => return Err(self.unknown_tag(line, tag.as_deref())),
                };
                let before = (self.nodes, self.text);
                self.grow(line, 1, text.len())?;
                // The parser says `~` for what is not there at all.
                let text = if plain && span.is_empty() {
                    String::new()
                } else {
                    text.into_owned()
                };
                let continued = match style {
                    ScalarStyle::DoubleQuoted => 0,
                    _ => self.continued(line, span.end.line()),
                };
                let node = Node::new(
                    line,
                    Value::Scalar(Scalar {
                        text,
                        plain,
                        continued,
                    }),
                );
                self.finish(Rc::new(node), anchor, before, 0);
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(line, tag.as_deref(), "seq")?;
                self.begin(Node::new(line, Value::List(Vec::new())), anchor)?;
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(line, tag.as_deref(), "map")?;
                self.begin(Node::new(line, Value::Map(Vec::new())), anchor)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    self.finish(Rc::new(open.node), open.anchor, open.before, open.height + 1);
                }
            }
            Event::Alias(anchor) => {
                let Some(target) = self.anchors.get(&anchor).cloned() else {
                    return Err(self.problem(line, "an alias within the very thing that it stands for"));
                };
                if self.open.len() + target.height > DEPTH {
                    return Err(self.problem(line, &format!("aliases nest more than {DEPTH} deep")));
                }
                let before = (self.nodes, self.text);
                self.grow(line, target.nodes, target.text)?;
                self.finish(target.node, 0, before, target.height);
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns the number of lines that end with a backslash, before the last.
    fn continued(&self, first: usize, last: usize) -> usize {
        let lines = self
            .source
            .get(first.saturating_sub(1)..last.saturating_sub(1))
            .unwrap_or_default();
        lines.iter().filter(|line| is_continued(line)).count()
    }

    fn begin(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        let before = (self.nodes, self.text);
        self.grow(node.line, 1, 0)?;
        self.open.push(Open {
            node,
            key: None,
            anchor,
            before,
            height: 0,
        });
        Ok(())
    }

    /// Puts a whole node where it belongs.
    fn finish(&mut self, node: Rc<Node>, anchor: usize, before: (usize, usize), height: usize) {
        if anchor != 0 {
            let anchored = Anchored {
                node: Rc::clone(&node),
                nodes: self.nodes - before.0,
                text: self.text - before.1,
                height,
            };
            self.anchors.insert(anchor, anchored);
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        open.height = open.height.max(height);
        match &mut open.node.value {
            Value::List(items) => items.push(node),
            Value::Map(entries) => match open.key.take() {
                None => open.key = Some(node),
                Some(key) => entries.push((key, node)),
            },
            Value::Scalar(_) => {}
        }
    }

    fn grow(&mut self, line: usize, nodes: usize, text: usize) -> Result<(), Problem> {
        self.nodes = self.nodes.saturating_add(nodes);
        self.text = self.text.saturating_add(text);
        if self.nodes > NODES || self.text > TEXT {
            return Err(self.problem(
                line,
                &format!("too large: with aliases copied in, a Procfile has at most {NODES} values and {TEXT} bytes"),
            ));
        }
        Ok(())
    }

    fn check_tag(&self, line: usize, tag: Option<&Tag>, core: &str) -> Result<(), Problem> {
        if tag.is_none_or(|tag| tag.core_suffix() == Some(core)) {
            Ok(())
        } else {
            Err(self.unknown_tag(line, tag))
        }
    }

    fn unknown_tag(&self, line: usize, tag: Option<&Tag>) -> Problem {
        let tag = shown(&tag.map(Tag::original).unwrap_or_default());
        self.problem(line, &format!("the tag {tag} means nothing in a Procfile"))
    }

    fn malformed(&self, error: &ScanError) -> Problem {
        let line = error.marker().line();
        // Of a block that ends too soon, the line may be one more than there are.
        self.problem(line, &format!("not valid YAML: {}", shown(&error.info())))
    }

    /// Trouble at what is being read, as far as it has been.
    fn problem(&self, line: usize, message: &str) -> Problem {
        let mut keys = self.open.iter().filter_map(|open| open.key.as_ref()?.text());
        let process = keys.next();
        let key = keys.fold(Path::default(), |path, key| path.key(key));
        Problem::new(line, process, &key.source, message)
    }
}
