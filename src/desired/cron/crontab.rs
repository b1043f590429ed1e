//! A crontab's five fields as AWS's six.

use std::collections::BTreeSet;

use super::field::{Base, CRONTAB_WEEKDAY, DAY_OF_MONTH, Field, HOUR, Item, MINUTE, MONTH, WEEKDAYS};

/// `@daily` and its like, in AWS's fields.
pub(super) fn nickname(name: &str) -> Result<&'static str, String> {
    match name {
        "@yearly" | "@annually" => Ok("0 0 1 1 ? *"),
        "@monthly" => Ok("0 0 1 * ? *"),
        "@weekly" => Ok("0 0 ? * SUN *"),
        "@daily" | "@midnight" => Ok("0 0 * * ? *"),
        "@hourly" => Ok("0 * * * ? *"),
        "@reboot" => Err("@reboot is no time; a process that always runs has no cron".into()),
        other => Err(format!(
            "{other} is none of @yearly, @monthly, @weekly, @daily and @hourly"
        )),
    }
}

pub(super) fn translate(fields: [&str; 5]) -> Result<String, String> {
    let [minute, hour, day, month, weekday] = fields;
    if let Some(text) = fields.iter().find(|text| text.contains(['?', '#'])) {
        return Err(format!(
            "{text}: ? and # belong to the form of EventBridge Scheduler, which has a sixth field, the year"
        ));
    }
    let (day, weekday) = (plain(&DAY_OF_MONTH, day)?, weekdays(weekday)?);
    let (day, weekday) = match (day.as_str(), weekday) {
        (day, None) => (day.to_owned(), "?".to_owned()),
        ("*", Some(weekday)) => ("?".to_owned(), weekday),
        (_, Some(_)) => {
            return Err(
                "a crontab with both a day of month and a day of week means either of them, which EventBridge Scheduler \
                 cannot say: make it two processes"
                    .into(),
            );
        }
    };
    Ok(format!(
        "{} {} {day} {} {weekday} *",
        plain(&MINUTE, minute)?,
        plain(&HOUR, hour)?,
        plain(&MONTH, month)?
    ))
}

/// A field that counts alike in both. AWS documents a step after a first value, and none after a range.
fn plain(field: &Field, text: &str) -> Result<String, String> {
    let mut items = Vec::new();
    for item in field.items(text)? {
        items.extend(match read(field, item)? {
            Item {
                base: Base::All,
                step: None | Some(1),
            } => return Ok("*".into()),
            Item {
                base: Base::All,
                step: Some(step),
            } if step <= *field.all().end() => {
                vec![format!("{}/{step}", field.all().start())]
            }
            Item {
                base: Base::Value(value),
                step: _,
            } => vec![value.to_string()],
            Item {
                base: Base::Range(from, to),
                step: None | Some(1),
            } => vec![format!("{from}-{to}")],
            stepped => values(field, &stepped).map(|value| value.to_string()).collect(),
        });
    }
    Ok(items.join(","))
}

/// By name, since the two count differently; `None` for any day.
fn weekdays(text: &str) -> Result<Option<String>, String> {
    let mut days = BTreeSet::new();
    for item in CRONTAB_WEEKDAY.items(text)? {
        let item = read(&CRONTAB_WEEKDAY, item)?;
        if matches!(
            item,
            Item {
                base: Base::All,
                step: None | Some(1)
            }
        ) {
            return Ok(None);
        }
        days.extend(values(&CRONTAB_WEEKDAY, &item).map(|day| usize::from(day % 7)));
    }
    let mut items = Vec::new();
    let mut days = days.into_iter().peekable();
    while let Some(first) = days.next() {
        let mut last = first;
        while let Some(next) = days.next_if_eq(&(last + 1)) {
            last = next;
        }
        items.push(match last - first {
            0 => WEEKDAYS[first].to_owned(),
            1 => format!("{},{}", WEEKDAYS[first], WEEKDAYS[last]),
            _ => format!("{}-{}", WEEKDAYS[first], WEEKDAYS[last]),
        });
    }
    Ok(Some(items.join(",").to_ascii_uppercase()))
}

/// Reads an item as every crontab does.
fn read(field: &Field, text: &str) -> Result<Item, String> {
    let what = field.what;
    let mut item = field.item(text)?;
    if let Base::Range(from, to) = &mut item.base
        && text.contains("-sun")
        && *from > *to
    {
        // As a name it is 0, and a week may end with it.
        *to = 7;
    }
    match item {
        Item {
            base: Base::Value(value),
            step: Some(step),
        } => Err(format!(
            "{what}: {text}: a crontab's step follows * or a range: write {value}-{}/{step}",
            field.all().end()
        )),
        Item {
            base: Base::Range(from, to),
            ..
        } if from > to => Err(format!("{what}: {text}: a crontab's range does not go backwards")),
        item => Ok(item),
    }
}

fn values(field: &Field, item: &Item) -> impl Iterator<Item = u16> {
    let (from, to) = match item.base {
        // Seven days, of which Sunday is not counted twice.
        Base::All if field.what == CRONTAB_WEEKDAY.what => (0, 6),
        Base::All => (*field.all().start(), *field.all().end()),
        Base::Value(value) => (value, value),
        Base::Range(from, to) => (from, to),
    };
    (from..=to).step_by(usize::from(item.step.unwrap_or(1)))
}
