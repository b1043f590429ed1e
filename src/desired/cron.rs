//! When a cron process runs: AWS's six fields or a crontab's five, both as the expression that EventBridge Scheduler
//! takes: <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>.
//!
//! Six fields pass as they are, once they are known to mean something. Five are translated: a crontab counts weekdays
//! from 0 for Sunday, AWS from 1; a crontab that restricts both days means either, which AWS cannot say; and AWS wants
//! a `?` for the day that does not matter.

mod crontab;
mod field;

#[cfg(test)]
mod tests;

use jiff::tz::TimeZoneDatabase;

use field::{DAY_OF_MONTH, DAY_OF_WEEK, HOUR, MINUTE, MONTH, YEAR};

/// <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html>
const LONGEST_EXPRESSION: usize = 256;

/// The expression, or why there is none.
pub(crate) fn expression(text: &str) -> Result<String, String> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("rate(") || lower.starts_with("at(") {
        return Err(
            "rate(…) and at(…) are not taken: write its times as six fields, or as a crontab's five".into(),
        );
    }
    let inside = lower
        .strip_prefix("cron(")
        .and_then(|rest| rest.strip_suffix(')'));
    let (wrapped, body) = match inside {
        Some(inside) => (true, inside),
        None => (false, lower.as_str()),
    };
    let fields: Vec<&str> = body.split_whitespace().collect();
    let fields = match fields.as_slice() {
        [nickname] if nickname.starts_with('@') && !wrapped => crontab::nickname(nickname)?.to_owned(),
        [minute, hour, day, month, weekday] if !wrapped => {
            crontab::translate([minute, hour, day, month, weekday])?
        }
        [minute, hour, day, month, weekday, year] => six([minute, hour, day, month, weekday, year])?,
        other => {
            return Err(format!(
                "{} in {text:?}: EventBridge Scheduler takes six (minute, hour, day of month, month, day of week, year), \
                 a crontab five",
                crate::model::counted(other.len() as u64, "field")
            ));
        }
    };
    let expression = format!("cron({fields})");
    if expression.len() > LONGEST_EXPRESSION {
        return Err(format!(
            "{expression} has more than the {LONGEST_EXPRESSION} characters that EventBridge Scheduler takes"
        ));
    }
    Ok(expression)
}

/// AWS's own form. What its page leaves open (a range that wraps, a step after a range) AWS is left to judge.
fn six(fields: [&str; 6]) -> Result<String, String> {
    for (field, text) in [MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK, YEAR]
        .iter()
        .zip(fields)
    {
        field.check(text)?;
    }
    match (fields[2], fields[4]) {
        ("?", "?") => Err("day of month and day of week cannot both be ?".into()),
        ("?", _) | (_, "?") => Ok(fields.join(" ").to_ascii_uppercase()),
        _ => Err("one of day of month and day of week must be ?, as in 0 3 * * ? *".into()),
    }
}

/// The zone as the IANA database spells it; `None` if that has none of this name. The database is the one that was built
/// in, so that the answer hangs on no file.
pub(crate) fn time_zone(name: &str) -> Option<String> {
    let zone = TimeZoneDatabase::bundled().get(name).ok()?;
    zone.iana_name().map(Into::into)
}
