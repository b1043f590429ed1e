//! A command line in the pieces that a POSIX shell sees: words, operators, and what is quoted. It is read, never run.
//! <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html>

/// The depth to which expansions may nest, so that hostile text cannot use up the stack.
const DEPTH: usize = 32;

/// Between commands, longest first.
const CONTROLS: [&str; 8] = ["&&", "||", ";;", "|&", ";", "|", "(", ")"];

/// Before the name of a file or the like, longest first. `&>` and `<<<` are bash's.
const REDIRECTIONS: [&str; 12] = [
    "&>>", "<<<", "<<-", "&>", "<<", "<&", "<>", ">>", ">&", ">|", "<", ">",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Word(Word<'a>),
    Control(&'a str),
    /// An operator with what it leads to, such as `2>&1`.
    Redirection(&'a str),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// Where it begins, in bytes.
    pub(super) at: usize,
    /// Without its quotes; expansions as they are written.
    pub(super) text: String,
    /// The variable that it sets, if it stands before the program.
    pub(super) sets: Option<&'a str>,
    /// Parts that a shell would replace, such as `$PORT`; none from within single quotes.
    pub(super) expansions: Vec<&'a str>,
    /// Stands for the names of files, or for the home directory.
    pub(super) is_pattern: bool,
}

/// The pieces of a command line; `None` if a quote or a bracket is not closed.
pub(super) fn read(line: &str) -> Option<Vec<Piece<'_>>> {
    let mut reader = Reader {
        line,
        at: 0,
        depth: 0,
    };
    let mut pieces = Vec::new();
    while let Some(next) = reader.peek() {
        match next {
            ' ' | '\t' | '\r' => reader.skip(1),
            '\\' if reader.rest().starts_with("\\\n") => reader.skip(2),
            // A comment, to the end of the line.
            '#' => reader.skip(reader.rest().find('\n').unwrap_or(reader.rest().len())),
            '\n' => pieces.push(Piece::Control(reader.take(1))),
            _ => pieces.push(reader.piece()?),
        }
    }
    Some(pieces)
}

/// A name that a variable can have.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

struct Reader<'a> {
    line: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let taken = &self.rest()[..bytes];
        self.at += bytes;
        taken
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Reads a piece that does not begin with a blank.
    fn piece(&mut self) -> Option<Piece<'a>> {
        let rest = self.rest();
        let begin = self.at;
        // A file descriptor may stand before it.
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (after, starts) = (&rest[digits..], |operator: &&&str| {
            rest[digits..].starts_with(**operator)
        });
        if after.starts_with("<(") || after.starts_with(">(") {
            self.skip(digits + 2);
            self.nested('(', ')')?;
            return Some(Piece::Redirection(&self.line[begin..self.at]));
        }
        let redirection = REDIRECTIONS.iter().find(starts);
        if let Some(operator) = redirection.filter(|operator| digits == 0 || !operator.starts_with('&')) {
            self.skip(digits + operator.len());
            self.skip(self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len());
            self.word()?;
            return Some(Piece::Redirection(&self.line[begin..self.at]));
        }
        let control = CONTROLS
            .iter()
            .chain(&["&"])
            .find(|operator| rest.starts_with(**operator));
        match control {
            Some(operator) => Some(Piece::Control(self.take(operator.len()))),
            None => self.word().map(Piece::Word),
        }
    }

    fn word(&mut self) -> Option<Word<'a>> {
        let mut word = Word {
            at: self.at,
            ..Word::default()
        };
        let (mut plain, mut brackets) = (true, 0);
        while let Some(next) = self.peek() {
            plain &= !"\\'\"$`".contains(next);
            match next {
                // In the middle of a word, no shell would take it, and a program's own is meant: `app:create_app()`.
                '(' | ')' if self.at > word.at && (next == '(' || brackets > 0) => {
                    brackets += if next == '(' { 1 } else { -1 };
                    self.skip(1);
                    word.text.push(next);
                }
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\\' => {
                    self.skip(1);
                    word.text.extend(Some(self.next()?).filter(|c| *c != '\n'));
                }
                '\'' => {
                    self.skip(1);
                    let length = self.rest().find('\'')?;
                    word.text.push_str(self.take(length));
                    self.skip(1);
                }
                '"' => {
                    self.skip(1);
                    self.double(&mut word)?;
                }
                '$' | '`' => self.expansion(&mut word)?,
                _ => {
                    let name = word.text.trim_end_matches('+');
                    if next == '=' && plain && word.sets.is_none() && is_name(name) {
                        word.sets = Some(&self.line[word.at..word.at + name.len()]);
                    }
                    // After `=` and `:` no file has such a name, and a class path or an address is meant.
                    word.is_pattern |=
                        next == '*' && !word.text.starts_with('-') && !word.text.contains(['=', ':']);
                    let before = self.at == word.at;
                    self.skip(next.len_utf8());
                    word.is_pattern |=
                        next == '~' && before && !self.rest().starts_with(|c: char| !"/ \t\n".contains(c));
                    word.text.push(next);
                }
            }
        }
        Some(word)
    }

    /// To the end of double quotes.
    fn double(&mut self, word: &mut Word<'a>) -> Option<()> {
        loop {
            match self.peek()? {
                '"' => {
                    self.skip(1);
                    return Some(());
                }
                '$' | '`' => self.expansion(word)?,
                '\\' => {
                    self.skip(1);
                    match self.next()? {
                        '\n' => {}
                        c if "$`\"\\".contains(c) => word.text.push(c),
                        c => word.text.extend(['\\', c]),
                    }
                }
                c => {
                    self.skip(c.len_utf8());
                    word.text.push(c);
                }
            }
        }
    }

    /// Reads from a dollar or a back-quote on; a dollar before anything else stands for itself.
    fn expansion(&mut self, word: &mut Word<'a>) -> Option<()> {
        let begin = self.at;
        let quote = self.next()?;
        let next = self.peek().filter(|_| quote == '$');
        let is_one = match next {
            None if quote == '`' => {
                while self.next()? != '`' {
                    if self.line[..self.at].ends_with('\\') {
                        self.next()?;
                    }
                }
                true
            }
            Some(open @ ('{' | '(')) => {
                self.skip(1);
                self.nested(open, if open == '{' { '}' } else { ')' })?;
                true
            }
            Some(c) if is_name(&c.to_string()) => {
                self.skip(
                    self.rest()
                        .bytes()
                        .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
                        .count(),
                );
                true
            }
            Some(c) if c.is_ascii_digit() || "@*#?-$!".contains(c) => {
                self.skip(1);
                true
            }
            Some(_) | None => false,
        };
        let written = &self.line[begin..self.at];
        word.text.push_str(written);
        word.expansions.extend(is_one.then_some(written));
        Some(())
    }

    /// To the bracket that closes one just read.
    fn nested(&mut self, open: char, close: char) -> Option<()> {
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        let mut brackets = 1;
        while brackets > 0 {
            match self.next()? {
                '\\' => drop(self.next()?),
                '\'' => self.skip(self.rest().find('\'')? + 1),
                '"' => self.double(&mut Word::default())?,
                c if c == open => brackets += 1,
                c if c == close => brackets -= 1,
                _ => {}
            }
        }
        self.depth -= 1;
        Some(())
    }
}
