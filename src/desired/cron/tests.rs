//! Every form that is taken, what becomes of it, and what is refused in which words.

use jiff::ToSpan;
use jiff::civil::{Date, date};

use super::field::{MONTH, YEAR};
use super::{LAST_YEAR, expression, is_day_of_month, is_day_of_week, is_never, is_over, time_zone};

fn check(text: &str, expected: &str) {
    assert_eq!(expression(text).as_deref(), Ok(expected), "{text}");
}

fn refused(text: &str, expected: &str) {
    let error = expression(text).unwrap_err();
    assert!(error.contains(expected), "{text}: {error}");
}

#[test]
fn six_fields_pass_as_they_are() {
    for fields in [
        "0 3 * * ? *",
        "0/15 * * * ? *",
        "15 10 ? * 6L 2019-2030",
        "0 8 1 * ? *",
        "0 18 ? * MON-FRI *",
        "0 9 ? * 2#1 *",
        "0 9 ? * FRI#5 *",
        "0 0 L * ? *",
        "0 0 LW * ? *",
        "30 5 15W JAN,JUL ? *",
        "5,35 14 * * ? *",
        "*/10 8-17 ? 1-6 SUN,SAT 2030",
        "59 23 31 12 ? 2199",
        "0 0 ? * L *",
        // Documented nowhere, so AWS is asked.
        "0 22-6 * * ? *",
        "10-40/10 * * * ? *",
    ] {
        check(fields, &format!("cron({fields})"));
        check(&format!("cron({fields})"), &format!("cron({fields})"));
    }
}

#[test]
fn blanks_and_case_do_not_matter() {
    check("  0  3\t* jan ?   * ", "cron(0 3 * JAN ? *)");
    check("CRON(0 3 ? * mon-Fri *)", "cron(0 3 ? * MON-FRI *)");
    check("0 3 * * Mon", "cron(0 3 ? * MON *)");
}

#[test]
fn six_fields_that_mean_nothing_are_refused() {
    for (text, expected) in [
        ("60 3 * * ? *", "minute: \"60\" is not within 0-59"),
        ("0 24 * * ? *", "hour: \"24\" is not within 0-23"),
        ("0 3 0 * ? *", "day of month: \"0\" is not within 1-31"),
        ("0 3 32 * ? *", "day of month: \"32\" is not within 1-31"),
        ("0 3 1 13 ? *", "month: \"13\" is not within 1-12 or JAN-DEC"),
        ("0 3 ? * 0 *", "day of week: \"0\" is not within 1-7 or SUN-SAT"),
        ("0 3 ? * 8 *", "day of week: \"8\" is not within 1-7 or SUN-SAT"),
        ("0 3 ? * MONDAY *", "day of week: \"monday\" is not within"),
        ("0 3 * * ? 1969", "year: \"1969\" is not within 1970-2199"),
        ("0 3 * * ? 2200", "year: \"2200\" is not within 1970-2199"),
        ("+5 3 * * ? *", "minute: \"+5\" is not within 0-59"),
        ("-5 3 * * ? *", "minute: \"\" is not within 0-59"),
        (", 3 * * ? *", "minute: \"\" is not within 0-59"),
        ("1,,2 3 * * ? *", "minute: \"\" is not within 0-59"),
        ("*/0 3 * * ? *", "minute: */0: a step is a number from 1 on"),
        ("0/+5 3 * * ? *", "minute: 0/+5: a step is a number from 1 on"),
        ("0/ 3 * * ? *", "minute: 0/: a step is a number from 1 on"),
        ("*,5 3 * * ? *", "minute: *,5: * stands alone"),
        ("? 3 * * ? *", "minute: \"?\" is not within 0-59"),
        ("0 3 * * * *", "one of day of month and day of week must be ?"),
        ("0 3 1 * MON *", "one of day of month and day of week must be ?"),
        ("0 3 ? * ? *", "cannot both be ?"),
        ("0 3 ? * 2#6 *", "day of week: 2#6: # counts from 1 to 5"),
        ("0 3 ? * 2#1,3#1 *", "# stands alone"),
        ("0 3 ? * 9L *", "day of week: \"9\" is not within"),
        ("0 3 32W * ? *", "day of month: \"32\" is not within"),
        ("L 3 * * ? *", "minute: \"l\" is not within"),
        ("99999999999 3 * * ? *", "minute: \"99999999999\" is not within"),
        ("ä 3 * * ? *", "minute: \"ä\" is not within"),
    ] {
        refused(text, expected);
    }
}

#[test]
fn five_fields_are_a_crontab_and_become_six() {
    for (text, expected) in [
        ("0 3 * * *", "0 3 * * ? *"),
        ("*/15 * * * *", "0/15 * * * ? *"),
        ("*/1 */2 * * *", "* 0/2 * * ? *"),
        ("0 0 */10 */3 *", "0 0 1/10 1/3 ? *"),
        ("0,30 8-17 * * *", "0,30 8-17 * * ? *"),
        ("10-40/10 3 * * *", "10,20,30,40 3 * * ? *"),
        ("*/90 3 * * *", "0 3 * * ? *"),
        ("0 3 1 * *", "0 3 1 * ? *"),
        ("0 3 1,15 jan-mar *", "0 3 1,15 1-3 ? *"),
        // Sunday is 0 and 7, and AWS's 1.
        ("0 3 * * 0", "0 3 ? * SUN *"),
        ("0 3 * * 7", "0 3 ? * SUN *"),
        ("0 3 * * 6", "0 3 ? * SAT *"),
        ("0 3 * * 1-5", "0 3 ? * MON-FRI *"),
        ("0 3 * * MON-FRI", "0 3 ? * MON-FRI *"),
        ("0 3 * * 5-7", "0 3 ? * SUN,FRI,SAT *"),
        ("0 3 * * FRI-SUN", "0 3 ? * SUN,FRI,SAT *"),
        ("0 3 * * SUN-TUE", "0 3 ? * SUN-TUE *"),
        ("0 3 * * 1,3,5", "0 3 ? * MON,WED,FRI *"),
        ("0 3 * * */2", "0 3 ? * SUN,TUE,THU,SAT *"),
        ("0 3 * * 0-6", "0 3 ? * SUN-SAT *"),
        ("0 3 1 * */1", "0 3 1 * ? *"),
        ("@hourly", "0 * * * ? *"),
        ("@daily", "0 0 * * ? *"),
        ("@midnight", "0 0 * * ? *"),
        ("@weekly", "0 0 ? * SUN *"),
        ("@Monthly", "0 0 1 * ? *"),
        ("@yearly", "0 0 1 1 ? *"),
        ("@annually", "0 0 1 1 ? *"),
    ] {
        let expected = format!("cron({expected})");
        check(text, &expected);
        // What is translated is in AWS's form.
        check(&expected, &expected);
    }
}

#[test]
fn what_a_crontab_means_and_aws_cannot_say_is_refused() {
    for (text, expected) in [
        ("0 3 1 * MON", "means either of them"),
        ("0 3 */2 * 1", "means either of them"),
        ("0 3 1 * */2", "means either of them"),
        ("0 3 1 * 0-7", "means either of them"),
        ("0 3 1-31 * 1", "means either of them"),
        ("0 3 1,* * 1", "day of month: 1,*: * stands alone"),
        (
            "0 3 ? * MON",
            "? and # belong to the form of EventBridge Scheduler",
        ),
        ("0 3 * * 2#1", "? and # belong"),
        ("0 3 L * *", "day of month: \"l\" is not within 1-31"),
        ("0 3 * * 5L", "day of week: \"5l\" is not within 0-7 or SUN-SAT"),
        ("0 3 * * 8", "day of week: \"8\" is not within 0-7 or SUN-SAT"),
        ("5/15 * * * *", "write 5-59/15"),
        ("0 22-6 * * *", "does not go backwards"),
        ("0 3 * * 5-1", "does not go backwards"),
        ("0 3 * * SAT-MON", "does not go backwards"),
        ("61 3 * * *", "minute: \"61\" is not within 0-59"),
        ("@reboot", "@reboot is no time"),
        ("@fortnightly", "@fortnightly is none of"),
    ] {
        refused(text, expected);
    }
}

#[test]
fn what_is_no_cron_text_is_refused() {
    refused("", "0 fields");
    refused("0 3 * *", "4 fields");
    refused("0 3 * * ? * *", "7 fields");
    refused("daily", "1 field in");
    refused("cron(0 3 * * *)", "5 fields");
    refused("cron(@daily)", "1 field in");
    refused("rate(5 minutes)", "rate(…) and at(…) are not taken");
    refused("at(2030-01-01T00:00:00)", "rate(…) and at(…) are not taken");
    let odd = format!("{} {} 1-30/2 * *", "0-59/2,1-58/2", "0-23/2,1-23/2");
    refused(&odd, "more than the 256 characters");
}

#[test]
fn a_time_zone_has_its_iana_name() {
    for name in [
        "UTC",
        "Europe/Berlin",
        "America/Argentina/Buenos_Aires",
        "Etc/GMT+5",
    ] {
        assert_eq!(time_zone(name).as_deref(), Some(name));
    }
    assert_eq!(time_zone("europe/berlin").as_deref(), Some("Europe/Berlin"));
    for name in [
        "",
        "Berlin",
        "Europe/Bonn",
        "+01:00",
        "EST5EDT,M3.2.0,M11.1.0",
        "../etc/passwd",
    ] {
        assert_eq!(time_zone(name), None, "{name}");
    }
}

#[test]
fn a_schedule_without_a_day_left_is_over() {
    let today = date(2026, 11, 28);
    let check = |text: &str, expected: bool| {
        let expression = expression(text).unwrap();
        assert_eq!(is_over(&expression, today), expected, "{text}");
    };
    for never in [
        "0 0 31 4 *",
        "0 0 30,31 2 *",
        "0 0 31 2,4,6,9,11 *",
        "0 0 31 4 ? *",
        "0 0 31W SEP ? *",
        "0 0 29 2 ? 2027",
        "0 0 29 2 ? 2025-2027",
        "0 0 ? FEB FRI#5 2027",
        "0 0 * * ? 2025",
        "0 0 * * ? 2019-2025",
        "0 0 * * ? 1970-2020/7",
        "0 0 * 1-10 ? 2025,2026",
        "0 0 27 11 ? 2026",
    ] {
        check(never, true);
    }
    for sometime in [
        "0 0 31 3 *",
        "0 0 29 2 *",
        "0 0 29 2 ? 2028",
        "0 0 ? FEB TUE#5 2028",
        "0 0 ? 2 2#5 *",
        "0 0 28 11 ? 2026",
        "0 0 * 12 ? 2026",
        "0 0 * * ? 1970/2",
        "0 0 L 2 ? 2027",
        "0 0 LW * ? *",
        "0 0 31W 1 ? *",
        "0 0 ? 11 2L 2026",
        "0 0 ? * L *",
        "0 3 * * 1-5",
        "0 0 ? * FRI-MON *",
        "*/15 8-17 * * *",
        "0 0 30-2 2 ? *",
        "@yearly",
    ] {
        check(sometime, false);
    }
}

/// Looks at day after day.
fn is_over_by_days(expression: &str, today: Date) -> bool {
    let fields = expression.to_ascii_lowercase();
    let fields: Vec<&str> = fields["cron(".len()..fields.len() - 1].split(' ').collect();
    let is_due = |date: Date| {
        YEAR.has(fields[5], date.year())
            && MONTH.has(fields[3], date.month().into())
            && is_day_of_month(fields[2], date.day())
            && is_day_of_week(fields[4], date)
    };
    let mut days = today.series(1.day()).take_while(|date| date.year() <= LAST_YEAR);
    !days.any(is_due)
}

#[test]
fn the_days_of_the_fields_are_those_of_the_calendar() {
    for text in [
        "0 0 31 4,6 ? *",
        "0 0 29 2 ? 2025-2027",
        "0 0 29 2 ? *",
        "0 0 ? 2 2#5 2026,2028",
        "0 0 31W 1/3 ? 2027",
        "0 0 L * ? 2030",
        "0 0 ? 12-2 7L 2026",
        "0 0 30-2 2 ? 2026",
    ] {
        let expression = expression(text).unwrap();
        for today in [
            date(1970, 1, 1),
            date(2026, 2, 28),
            date(2026, 11, 30),
            date(2028, 3, 1),
            date(2199, 12, 31),
        ] {
            let expected = is_over_by_days(&expression, today);
            assert_eq!(is_over(&expression, today), expected, "{text} from {today}");
        }
    }
}

/// An App may have a hundred such processes, and each is asked in every pass: day by day, that took half a minute.
#[test]
fn many_items_that_name_no_day_are_judged_at_once() {
    let months = ["2"; 118].join(",");
    let expression = expression(&format!("0 0 31 {months} ? *")).unwrap();
    assert!(expression.len() > 250);
    for _ in 0..100 {
        assert!(is_never(&expression));
    }
}
