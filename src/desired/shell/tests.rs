//! Commands that want a shell, and where `exec` may stand.

use super::{can_go_on, needs, with_exec};

/// The signs found in a command line.
#[track_caller]
fn check(command: &str, signs: &[&str]) {
    let found = needs(command, &[]).map(|needs| needs.signs).unwrap_or_default();
    assert_eq!(found, signs, "{command}");
}

#[test]
fn what_a_shell_would_replace_is_seen_where_it_would() {
    check("./web -p $PORT", &["$PORT"]);
    check(
        "./web -p ${PORT:-3000} -b 0.0.0.0:$PORT",
        &["${PORT:-3000}", "$PORT"],
    );
    check("./web \"-p $PORT\"", &["$PORT"]);
    check(
        "./web $(nproc) `hostname` $1 $@",
        &["$(nproc)", "`hostname`", "$1", "$@"],
    );
    check(
        "java $JAVA_OPTS -jar target/*.jar",
        &["$JAVA_OPTS", "target/*.jar"],
    );
    check("~/bin/web", &["~/bin/web"]);
    check("./web '$PORT' \\$PORT --price 5$ ^a$", &[]);
    check("java -cp target/classes:target/dependency/* Main", &[]);
    check("java -cp lib/* Main", &[]);
    check("bundle exec rake jobs:work QUEUE=* --include=*.rb 'a*' '~'", &[]);
}

#[test]
fn operators_count_outside_of_quotes() {
    check("cd app && ./web", &["cd", "&&"]);
    check("cd x; y", &["cd", ";"]);
    check("a & b", &["&"]);
    check("a || b | c", &["||", "|"]);
    check("./web >log 2>&1 </dev/null", &[">log", "2>&1", "</dev/null"]);
    check("(a)", &["(", ")"]);
    check("a\nb", &["a line break"]);
    check("a \\\n b\n", &[]);
    check("nginx -g 'daemon off;'", &[]);
    check("nginx -g \"daemon off;\"", &[]);
    check("grep 'a|b' \"c && d\" e\\;f", &[]);
    check("gunicorn app:create_app() f(1)", &[]);
    check("(cd app(1); ./web)", &["(", "cd", ";", ")"]);
    check("./web # for $USER", &[]);
    check("./web a#b;c", &[";"]);
    // What is not closed is another's to refuse.
    check("a 'b && c", &[]);
    check("a ${b", &[]);
}

#[test]
fn words_of_a_shell_and_variables_before_the_program_are_no_programs() {
    check("QUEUE=low ./worker", &["QUEUE="]);
    check("A=1 B='x y' ./worker C=2", &["A=", "B="]);
    check("A=$B ./worker", &["A=", "$B"]);
    check("exec x", &["exec"]);
    check("source ./env && ./web", &["source", "&&"]);
    check(". ./env; ./web", &[".", ";"]);
    check("if [ -f x ]; then y; fi", &["if", ";", "then", "fi"]);
    check("env QUEUE=low ./worker", &[]);
    check("bundle exec rake", &[]);
    check("./exec cd", &[]);
}

#[test]
fn a_shell_that_is_there_replaces_in_its_own_argument() {
    check("sh -c 'exec ./web -p $PORT'", &[]);
    check("sh -c \"exec ./web -p $PORT | cat\"", &[]);
    check("bash -lc \"./web $PORT && x\"", &[]);
    check("/bin/bash -eo pipefail -c \"$X\"", &[]);
    check("/usr/bin/env bash -c \"$X\"", &[]);
    check("tini -- sh -c \"$X\" \"$Y\"", &["$Y"]);
    check("bash ./start.sh $PORT", &["$PORT"]);
    check("exec sh -c \"$X\"", &["exec"]);
    check("sh -c 'a' && sh -c \"$X\"", &["&&"]);
}

#[test]
fn further_words_are_taken_as_they_are_but_for_what_was_meant_as_a_variable() {
    let signs = |command: &str, args: &[&str]| {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        needs(command, &args).map(|needs| needs.signs).unwrap_or_default()
    };
    assert_eq!(
        signs("./web", &["-p", "$PORT", "a${HOST}b", "$(POD_IP)"]),
        ["$PORT", "${HOST}", "$(POD_IP)"]
    );
    assert_eq!(signs("", &["cd", "app", "&&", "./web"]), ["cd", "&&"]);
    assert_eq!(signs("sh", &["-c", "exec ./web $PORT && x"]), [""; 0]);
    assert_eq!(signs("jq", &[".a as $x | $x", "^a$", "*", "a; b", "#"]), [""; 0]);
}

#[test]
fn a_message_is_one_line_of_what_a_terminal_prints() {
    check("a $(b\nc) `\u{1b}[31m`", &["$(b\\nc)", "`\\u{1b}[31m`"]);
    check("a \"$(b 'c')\"", &["$(b 'c')"]);
    let long = format!("${}", "A".repeat(60));
    check(&long, &[&format!("${}…", "A".repeat(39))]);
}

#[test]
fn a_message_is_short_and_tells_no_value() {
    let text = |command: &str| needs(command, &[]).unwrap().to_string();
    assert_eq!(
        text("A=open-sesame ./web $B && c | d"),
        "contains A=, $B, && and more, which only a shell understands, and none runs it"
    );
    assert!(text(&format!("./web ${}", "x".repeat(2_000))).len() < 200);
    let advice = |command: &str| needs(command, &[]).unwrap().advice();
    assert_eq!(advice("./web $PORT"), "write sh -c '…' to have one");
    assert_eq!(advice("source env && x"), "write bash -c '…' to have one");
    assert_eq!(advice("exec x"), "leave it out, or write sh -c '…' to have one");
    assert_eq!(
        advice("A=b x"),
        "set variables in env, or write sh -c '…' to have one"
    );
}

#[test]
fn hostile_text_is_read_in_bounded_time_and_depth() {
    for piece in ["\"$(", "${", "$((", "*", "~", "a=", "<(", "`\\"] {
        let _ = needs(&piece.repeat(5_000), &[]);
    }
}

#[test]
fn exec_stands_before_one_simple_command_or_the_last_of_a_list() {
    for (command, expected) in [
        ("./web -p $PORT", "exec ./web -p $PORT"),
        ("A=1 B=$C ./web", "A=1 B=$C exec ./web"),
        (">log ./web $A", ">log exec ./web $A"),
        ("cd app && ./web", "cd app && exec ./web"),
        ("cd app; A=1 ./web;", "cd app; A=1 exec ./web;"),
        ("a\nb $C", "a\nexec b $C"),
        (
            "export A=1; . ./env && ./web 2>&1",
            "export A=1; . ./env && exec ./web 2>&1",
        ),
        ("$RUNNER ./web", "exec $RUNNER ./web"),
        ("./web $A # or ./api", "exec ./web $A # or ./api"),
    ] {
        assert_eq!(with_exec(command), expected);
    }
    for stays in [
        "a | b",
        "a || b",
        "a && b || c",
        "a & b",
        "a $B &",
        "exec ./web $PORT",
        "exec >log; ./web",
        "cd app && exec ./web",
        "(cd app; ./web)",
        "if a; then b; fi; c",
        "while true; do a; done",
        "{ a; b; }",
        "! a",
        "trap 'rm x' EXIT; ./web",
        "cd app",
        "./a; wait",
        "a; A=$B",
        "a; >b",
        "a && echo $B",
        "a <<X\nX",
        "A=$B",
        "a 'b",
    ] {
        assert_eq!(with_exec(stays), stays);
    }
}

#[test]
fn further_words_can_follow_a_word_and_nothing_else() {
    assert!(can_go_on("./web $A") && can_go_on("a && ./web >log"));
    for ends in ["./web;", "./web &", "./web # x", "a 'b", "", "a\n"] {
        assert!(!can_go_on(ends), "{ends}");
    }
}
