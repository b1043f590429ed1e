//! One field of a cron expression: its values, their names, and what may be said of them.

use std::ops::RangeInclusive;

pub(super) struct Field {
    /// As messages call it.
    pub what: &'static str,
    first: u16,
    last: u16,
    /// Other spellings of the values, from the first on.
    names: &'static [&'static str],
    /// The forms that AWS takes besides values, ranges, lists and steps.
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    DayOfMonth,
    DayOfWeek,
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
pub(super) const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

pub(super) const MINUTE: Field = plain("minute", 0, 59, &[]);
pub(super) const HOUR: Field = plain("hour", 0, 23, &[]);
pub(super) const DAY_OF_MONTH: Field = Field {
    kind: Kind::DayOfMonth,
    ..plain("day of month", 1, 31, &[])
};
pub(super) const MONTH: Field = plain("month", 1, 12, &MONTHS);
/// AWS's: 1 is Sunday.
pub(super) const DAY_OF_WEEK: Field = Field {
    kind: Kind::DayOfWeek,
    ..plain("day of week", 1, 7, &WEEKDAYS)
};
pub(super) const YEAR: Field = plain("year", 1970, 2199, &[]);
/// A crontab's: 0 is Sunday, and so is 7.
pub(super) const CRONTAB_WEEKDAY: Field = plain("day of week", 0, 7, &WEEKDAYS);

const fn plain(what: &'static str, first: u16, last: u16, names: &'static [&'static str]) -> Field {
    Field {
        what,
        first,
        last,
        names,
        kind: Kind::Plain,
    }
}

impl Field {
    /// Checks that AWS takes the text, which is in lower case.
    pub(super) fn check(&self, text: &str) -> Result<(), String> {
        if text == "?" && self.kind != Kind::Plain {
            return Ok(());
        }
        if self.kind == Kind::DayOfWeek && text.contains('#') && text.contains(',') {
            return Err(format!("{}: {text}: # stands alone, in no list", self.what));
        }
        self.items(text)?.try_for_each(|item| {
            if self.is_special(item)? {
                return Ok(());
            }
            self.item(item).map(|_| ())
        })
    }

    /// True if a value is among those of a text that [`Field::check`] takes, or if the text is beyond this reading.
    pub(super) fn has(&self, text: &str, value: i16) -> bool {
        let Ok(value) = u16::try_from(value) else {
            return false;
        };
        let has = |item: &str| {
            let Ok(Item { base, step }) = self.item(item) else {
                return true;
            };
            let (from, to) = match base {
                Base::All => (self.first, self.last),
                Base::Value(only) if step.is_some() => (only, self.last),
                Base::Value(only) => (only, only),
                Base::Range(from, to) => (from, to),
            };
            let is_within = if from <= to {
                (from..=to).contains(&value)
            } else {
                value >= from || value <= to
            };
            let step = step.filter(|_| from <= value);
            is_within && step.is_none_or(|step| (value - from) % step == 0)
        };
        text.split(',').any(has)
    }

    /// The last day, the nearest working day, the last or the n-th of some weekday.
    fn is_special(&self, item: &str) -> Result<bool, String> {
        match self.kind {
            Kind::Plain => Ok(false),
            Kind::DayOfMonth if item == "l" || item == "lw" => Ok(true),
            Kind::DayOfMonth => match item.strip_suffix('w') {
                Some(day) => self.value(day).map(|_| true),
                None => Ok(false),
            },
            Kind::DayOfWeek if item == "l" => Ok(true),
            Kind::DayOfWeek => {
                if let Some((day, nth)) = item.split_once('#') {
                    self.value(day)?;
                    return match nth.parse() {
                        Ok(1u8..=5) => Ok(true),
                        Ok(_) | Err(_) => Err(format!("{}: {item}: # counts from 1 to 5", self.what)),
                    };
                }
                match item.strip_suffix('l') {
                    Some(day) => self.value(day).map(|_| true),
                    None => Ok(false),
                }
            }
        }
    }

    /// One of a list: `*`, a value or a range, and its step.
    pub(super) fn item(&self, item: &str) -> Result<Item, String> {
        let (base, step) = match item.split_once('/') {
            Some((base, step)) => (base, Some(self.step(item, step)?)),
            None => (item, None),
        };
        let base = match base.split_once('-') {
            _ if base == "*" => Base::All,
            Some((from, to)) => Base::Range(self.value(from)?, self.value(to)?),
            None => Base::Value(self.value(base)?),
        };
        Ok(Item { base, step })
    }

    /// The items of a list, or the only one.
    pub(super) fn items<'a>(&self, text: &'a str) -> Result<impl Iterator<Item = &'a str> + use<'a>, String> {
        let is_all = |item: &str| item == "*" || item == "*/1";
        if text.contains(',') && text.split(',').any(is_all) {
            return Err(format!("{}: {text}: * stands alone, in no list", self.what));
        }
        Ok(text.split(','))
    }

    fn step(&self, item: &str, step: &str) -> Result<u16, String> {
        let is_number = step.bytes().all(|byte| byte.is_ascii_digit());
        match step.parse() {
            Ok(step @ 1..) if is_number => Ok(step),
            Ok(_) | Err(_) => Err(format!("{}: {item}: a step is a number from 1 on", self.what)),
        }
    }

    fn value(&self, text: &str) -> Result<u16, String> {
        if let Some(named) = (self.first..).zip(self.names).find(|(_, name)| **name == text) {
            return Ok(named.0);
        }
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(value) if is_number && self.all().contains(&value) => Ok(value),
            Ok(_) | Err(_) => Err(format!("{}: {text:?} is not within {}", self.what, self.limits())),
        }
    }

    pub(super) fn all(&self) -> RangeInclusive<u16> {
        self.first..=self.last
    }

    fn limits(&self) -> String {
        let numbers = format!("{}-{}", self.first, self.last);
        match self.names {
            [first, .., last] => format!("{numbers} or {first}-{last}")
                .to_ascii_uppercase()
                .replace("OR", "or"),
            [] | [_] => numbers,
        }
    }
}

pub(super) struct Item {
    pub base: Base,
    pub step: Option<u16>,
}

pub(super) enum Base {
    All,
    Value(u16),
    Range(u16, u16),
}
