//! Whatever the text, it is translated to an App that means it, or refused with a reason: in bounded time, without panic.
//!
//! A corpus, and seeded mutations of it. Finds of the fuzzer are in the corpus, too.

use super::{WHOLE, identity, translate};
use crate::fuzzing::procfile as holds;

/// As a text that a user could have: valid, odd, or hostile.
const CORPUS: &[&str] = &[
    WHOLE,
    "web: ./bin/web\nworker: bundle exec 'a b' \"\\d\" `x`\n",
    "web:\n  command: [a, 30, yes]\n  ports: ['80:8080', {443: {protocol: SSL}}]\n  environment: {A: 1.50, B: on, C: }\n",
    "api:\n  command: >\n    a\n    b\n  ecs:\n    placement_constraints: [{type: memberOf, expression: a =~ b}]\n    placement_strategy: [{type: spread, field: host}]\n",
    "web: &w {command: a, expose: {check: {healthy_threshold: 2}}}\nb:\n  <<: [*w, {quantity: 1}]\n  command: b\n",
    "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
    "nightly: {command: a, cron: '0 3 * * ? *', timezone: Europe/Berlin}\nonce: {command: b, noservice: on}\n",
    "'': ''\n? [a]\n: {<<: {a: b}}\n!!str web: !x y\n",
    "web: |+\n  a\n\n\n--- # x\n...\n%YAML 1.1\n",
    "web: {command: \"\\x00\\u2028\\u0085\\ufeff\\t\", env: {A: \"\\r\\n\", B: \" x \", C: '- a', D: '<<', E: '=', F: '1e3', G: '0o7', H: '1:20'}}\n",
];

/// Numbers that look random and are the same in every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut n = self.0;
        n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((n ^ (n >> 31)) % limit.max(1) as u64).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, among: &[&'a T]) -> &'a T {
        among[self.below(among.len())]
    }
}

/// Texts that mean something to YAML, to a shell or to the schema.
const TOKENS: &[&str] = &[
    "*",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "!x ",
    "|",
    ">-\n",
    "? ",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "#",
    "'",
    "\"",
    "`",
    "\\",
    "%",
    "@",
    "---\n",
    "...\n",
    "~",
    "null",
    "on",
    "true",
    "0",
    "-1",
    "1.50",
    "0x1f",
    "80:8080",
    "99999999999",
    "\t",
    "\r",
    "\n",
    "\n  ",
    "    ",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "\0",
    "é",
    "web",
    "command",
    "environment",
    "ports",
    "expose",
    "ecs",
    "cron: ",
    "noservice: on",
    "type: tcp",
    "PORT: 1",
    "EMPIRE_X: 1",
    "$PORT",
    "&&",
];

fn mutated(dice: &mut Dice) -> Vec<u8> {
    let mut text = dice.pick(CORPUS).as_bytes().to_vec();
    for _ in 0..=dice.below(3) {
        let at = dice.below(text.len() + 1);
        let until = at + dice.below(text.len() - at + 1).min(1 << dice.below(8));
        match dice.below(6) {
            0 => drop(text.drain(at..until)),
            1 => drop(text.splice(at..at, dice.pick(TOKENS).bytes())),
            2 => drop(text.splice(at..until, dice.pick(TOKENS).bytes())),
            3 => {
                let copy = text[at..until].to_vec();
                let to = dice.below(text.len() + 1);
                drop(text.splice(to..to, copy));
            }
            4 if at < text.len() => text[at] ^= 1 << dice.below(8),
            _ => {
                let other = dice.pick(CORPUS).as_bytes();
                let from = dice.below(other.len());
                drop(text.splice(at..at, other[from..].iter().take(40).copied()));
            }
        }
    }
    text
}

#[test]
fn every_text_of_the_corpus_holds() {
    for text in CORPUS {
        holds(text.as_bytes());
    }
}

#[test]
fn every_mutation_holds() {
    let mut dice = Dice(4);
    let mut accepted = 0;
    for _ in 0..1_500 {
        let text = mutated(&mut dice);
        accepted += usize::from(translate(&text, &identity()).is_ok());
        holds(&text);
    }
    assert!(
        accepted > 100,
        "only {accepted} were accepted: the mutations are too wild to say much"
    );
}
