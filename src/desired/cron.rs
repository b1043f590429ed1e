//! When a cron process runs: AWS's six fields or a crontab's five, both as the expression that EventBridge Scheduler
//! and Application Auto Scaling take: <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>.
//!
//! Six fields pass as they are, once they are known to mean something. Five are translated: a crontab counts weekdays
//! from 0 for Sunday, AWS from 1; a crontab that restricts both days means either, which AWS cannot say; and AWS wants
//! a `?` for the day that does not matter.

mod crontab;
mod field;

#[cfg(test)]
mod tests;

use jiff::civil::Date;
use jiff::tz::TimeZoneDatabase;

use field::{DAY_OF_MONTH, DAY_OF_WEEK, HOUR, MINUTE, MONTH, YEAR};

/// <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html>
const LONGEST_EXPRESSION: usize = 256;
/// The first that an expression may name.
const FIRST_DAY: Date = Date::constant(1970, 1, 1);

/// The last year that an expression may name.
const LAST_YEAR: i16 = 2199;

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
                "{} in {text:?}: AWS takes six (minute, hour, day of month, month, day of week, year), \
                 a crontab five",
                crate::model::counted(other.len() as u64, "field")
            ));
        }
    };
    let expression = format!("cron({fields})");
    if expression.len() > LONGEST_EXPRESSION {
        return Err(format!(
            "{expression} has more than the {LONGEST_EXPRESSION} characters that AWS takes"
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

/// True if no day from `today` on is one of an expression that [`expression`] made, so that its schedule never starts a task
/// (again). AWS takes such an expression without a word.
pub(crate) fn is_over(expression: &str, today: Date) -> bool {
    let fields = expression
        .strip_prefix("cron(")
        .and_then(|rest| rest.strip_suffix(')'));
    let fields = fields.unwrap_or_default().to_ascii_lowercase();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let [_, _, day, month, weekday, year] = fields.as_slice() else {
        return false;
    };
    // Each field is read once, and not for each of some 60,000 days: in 256 characters there are many items.
    let years = (today.year()..=LAST_YEAR).filter(|number| YEAR.has(year, *number));
    let months: Vec<i8> = (1..=12)
        .filter(|number| MONTH.has(month, (*number).into()))
        .collect();
    let days: Vec<i8> = (1..=31).filter(|number| is_day_of_month(day, *number)).collect();
    let months = years.flat_map(|year| months.iter().map(move |month| (year, *month)));
    let mut dates = months.flat_map(|(year, month)| {
        let days = days.iter();
        days.filter_map(move |day| Date::new(year, month, *day).ok())
    });
    !dates.any(|date| date >= today && is_day_of_week(weekday, date))
}

/// True if no calendar has a day of an expression, whenever it is asked.
pub(crate) fn is_never(expression: &str) -> bool {
    is_over(expression, FIRST_DAY)
}

/// `L`, `LW` and `5W` are some day of every month that is long enough.
fn is_day_of_month(text: &str, day: i8) -> bool {
    let is_it = |item: &str| match item {
        "l" | "lw" => true,
        _ => DAY_OF_MONTH.has(item.strip_suffix('w').unwrap_or(item), day.into()),
    };
    text == "?" || text.split(',').any(is_it)
}

/// `L` is Saturday, `6L` the last Friday, and `6#3` the third one.
fn is_day_of_week(text: &str, date: Date) -> bool {
    let today = i16::from(date.weekday().to_sunday_one_offset());
    let is_it = |item: &str| {
        if let Some((day, nth)) = item.split_once('#') {
            let week = (date.day() - 1) / 7 + 1;
            return DAY_OF_WEEK.has(day, today) && nth.parse() == Ok(week);
        }
        match item.strip_suffix('l') {
            Some("") => today == 7,
            Some(day) => DAY_OF_WEEK.has(day, today) && date.day() + 7 > date.days_in_month(),
            None => DAY_OF_WEEK.has(item, today),
        }
    };
    text == "?" || text.split(',').any(is_it)
}

/// The zone as the IANA database spells it; `None` if that has none of this name. The database is the one that was built
/// in, so that the answer hangs on no file.
pub(crate) fn time_zone(name: &str) -> Option<String> {
    let zone = TimeZoneDatabase::bundled().get(name).ok()?;
    zone.iana_name().map(Into::into)
}
