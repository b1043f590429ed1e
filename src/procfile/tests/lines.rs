//! Lines in the style of real Procfiles: which of them work as they stand, which need a shell, and which run once.

use super::{identity, translate_with};
use crate::procfile::Translated;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Line {
    Works,
    /// With this sign of a shell first, and as this command with `--shell`.
    Shell(&'static str, &'static str),
    /// A process of the release phase: no service.
    Release,
    /// A service that is probably none.
    Once,
}

use Line::{Once, Release, Shell, Works};

const LINES: &[(&str, Line)] = &[
    // Ruby
    ("web: bundle exec puma -C config/puma.rb", Works),
    (
        "web: bundle exec puma -t 5:5 -p ${PORT:-3000} -e ${RACK_ENV:-development}",
        Shell(
            "${PORT:-3000}",
            "sh -c 'exec bundle exec puma -t 5:5 -p ${PORT:-3000} -e ${RACK_ENV:-development}'",
        ),
    ),
    (
        "web: bin/rails server -b 0.0.0.0 -p $PORT -e $RAILS_ENV",
        Shell(
            "$PORT",
            "sh -c 'exec bin/rails server -b 0.0.0.0 -p $PORT -e $RAILS_ENV'",
        ),
    ),
    ("web: bundle exec unicorn -c ./config/unicorn.rb", Works),
    (
        "web: bundle exec thin start -R config.ru -e $RACK_ENV -p $PORT",
        Shell(
            "$RACK_ENV",
            "sh -c 'exec bundle exec thin start -R config.ru -e $RACK_ENV -p $PORT'",
        ),
    ),
    ("worker: bundle exec sidekiq -q critical,2 -q default", Works),
    ("worker: bundle exec rake jobs:work", Works),
    (
        "worker: QUEUE=* bundle exec rake resque:work",
        Shell("QUEUE=", "sh -c 'QUEUE=* exec bundle exec rake resque:work'"),
    ),
    (
        "worker: env QUEUE=low TERM_CHILD=1 bundle exec rake resque:work",
        Works,
    ),
    (
        "mailer: TERM_CHILD=1 QUEUES=mail,default bundle exec rake environment resque:work",
        Shell(
            "TERM_CHILD=",
            "sh -c 'TERM_CHILD=1 QUEUES=mail,default exec bundle exec rake environment resque:work'",
        ),
    ),
    ("clock: bundle exec clockwork lib/clock.rb", Works),
    ("release: bundle exec rake db:migrate", Release),
    ("release: bin/rails db:migrate", Release),
    ("console: bin/rails console", Once),
    ("console: bundle exec irb -r ./app", Once),
    ("rake: bundle exec rake", Once),
    (
        "worker: bundle exec rake ts:start && bundle exec rake jobs:work",
        Shell(
            "&&",
            "sh -c 'bundle exec rake ts:start && exec bundle exec rake jobs:work'",
        ),
    ),
    (
        "web: bundle exec rake db:migrate; bundle exec puma",
        Shell(";", "sh -c 'bundle exec rake db:migrate; exec bundle exec puma'"),
    ),
    // Python
    ("web: gunicorn app:app", Works),
    ("web: gunicorn shop.wsgi --log-file -", Works),
    (
        "web: gunicorn app:app --bind 0.0.0.0:$PORT --workers 3",
        Shell(
            "$PORT",
            "sh -c 'exec gunicorn app:app --bind 0.0.0.0:$PORT --workers 3'",
        ),
    ),
    (
        "web: python manage.py migrate && gunicorn shop.wsgi",
        Shell(
            "&&",
            "sh -c 'python manage.py migrate && exec gunicorn shop.wsgi'",
        ),
    ),
    (
        "web: uvicorn main:app --host=0.0.0.0 --port=${PORT:-5000}",
        Shell(
            "${PORT:-5000}",
            "sh -c 'exec uvicorn main:app --host=0.0.0.0 --port=${PORT:-5000}'",
        ),
    ),
    ("web: gunicorn 'app:create_app()'", Works),
    ("web: gunicorn app:create_app()", Works),
    (
        "web: cd backend && gunicorn app:app",
        Shell("cd", "sh -c 'cd backend && exec gunicorn app:app'"),
    ),
    ("worker: celery -A shop worker -l info --concurrency 4", Works),
    (
        "worker: celery -A shop worker & celery -A shop beat -l INFO & wait -n",
        Shell(
            "&",
            "sh -c 'celery -A shop worker & celery -A shop beat -l INFO & wait -n'",
        ),
    ),
    ("beat: celery -A shop beat -S django", Works),
    ("bot: python -u bot.py", Works),
    ("release: python manage.py migrate --noinput", Release),
    ("migrate: python manage.py migrate", Once),
    ("admin: python manage.py createsuperuser", Once),
    ("test: pytest", Once),
    (
        "web: python app.py > app.log 2>&1",
        Shell("> app.log", "sh -c 'exec python app.py > app.log 2>&1'"),
    ),
    (
        "web: PYTHONPATH=src python -m shop",
        Shell("PYTHONPATH=", "sh -c 'PYTHONPATH=src exec python -m shop'"),
    ),
    (
        "web: waitress-serve --port=$PORT shop:app",
        Shell("$PORT", "sh -c 'exec waitress-serve --port=$PORT shop:app'"),
    ),
    (
        "web: voila --port=$PORT --no-browser --template='a b'",
        Shell(
            "$PORT",
            r"sh -c 'exec voila --port=$PORT --no-browser --template='\''a b'\'''",
        ),
    ),
    (
        "web: sh setup.sh && streamlit run app.py",
        Shell("&&", "sh -c 'sh setup.sh && exec streamlit run app.py'"),
    ),
    // Node
    ("web: node server.js", Works),
    ("web: npm start", Works),
    ("web: yarn workspace api start:prod", Works),
    (
        "web: NODE_ENV=production node --max-old-space-size=460 dist/main",
        Shell(
            "NODE_ENV=",
            "sh -c 'NODE_ENV=production exec node --max-old-space-size=460 dist/main'",
        ),
    ),
    (
        "web: npx serve -s build -l $PORT",
        Shell("$PORT", "sh -c 'exec npx serve -s build -l $PORT'"),
    ),
    (
        "web: npm run build && npm run start:prod",
        Shell("&&", "sh -c 'npm run build && exec npm run start:prod'"),
    ),
    (
        "web: node index.js | bunyan -o short",
        Shell("|", "sh -c 'node index.js | bunyan -o short'"),
    ),
    ("release: npx prisma migrate deploy", Release),
    ("postdeploy: node seed.js", Release),
    ("bot: node .", Works),
    // Java
    (
        "web: java -Dserver.port=$PORT $JAVA_OPTS -jar target/*.jar",
        Shell(
            "$PORT",
            "sh -c 'exec java -Dserver.port=$PORT $JAVA_OPTS -jar target/*.jar'",
        ),
    ),
    (
        "web: java -jar build/libs/*.jar",
        Shell("build/libs/*.jar", "sh -c 'exec java -jar build/libs/*.jar'"),
    ),
    (
        "web: java -cp target/classes:target/dependency/* com.example.Main",
        Works,
    ),
    ("web: java -jar target/shop-1.0.jar", Works),
    (
        "web: target/universal/stage/bin/shop -Dhttp.port=${PORT}",
        Shell(
            "${PORT}",
            "sh -c 'exec target/universal/stage/bin/shop -Dhttp.port=${PORT}'",
        ),
    ),
    // Go, Elixir, PHP, others
    ("web: bin/shop", Works),
    ("web: ./shop -addr=:8080", Works),
    (
        "web: ./shop -addr=:$PORT",
        Shell("$PORT", "sh -c 'exec ./shop -addr=:$PORT'"),
    ),
    (
        "web: MIX_ENV=prod mix phx.server",
        Shell("MIX_ENV=", "sh -c 'MIX_ENV=prod exec mix phx.server'"),
    ),
    ("release: MIX_ENV=prod mix ecto.migrate", Release),
    ("web: vendor/bin/heroku-php-apache2 public/", Works),
    (
        "web: php -S 0.0.0.0:$PORT -t public",
        Shell("$PORT", "sh -c 'exec php -S 0.0.0.0:$PORT -t public'"),
    ),
    ("worker: php artisan queue:work --sleep=3 --tries=3", Works),
    ("seed: php artisan migrate --seed", Once),
    ("web: nginx -g 'daemon off;'", Works),
    ("web: exec ./bin/web", Shell("exec", "sh -c 'exec ./bin/web'")),
    (
        "web: source ./env.sh && ./bin/web",
        Shell("source", "sh -c 'source ./env.sh && exec ./bin/web'"),
    ),
    ("web: sh -c 'exec ./bin/web -p $PORT'", Works),
    ("web: bash -c \"./bin/web -p $PORT | tee log\"", Works),
    ("web: bin/start-nginx bundle exec puma -C 'config/a|b.rb'", Works),
    (
        "web: if [ \"$ROLE\" = api ]; then ./api; else ./web; fi",
        Shell("if", "sh -c 'if [ \"$ROLE\" = api ]; then ./api; else ./web; fi'"),
    ),
    (
        "worker: while true; do ./poll; sleep 60; done",
        Shell("while", "sh -c 'while true; do ./poll; sleep 60; done'"),
    ),
    (
        "worker: ./wait-for db || ./bin/worker",
        Shell("||", "sh -c './wait-for db || ./bin/worker'"),
    ),
    ("web: ~/bin/web", Shell("~/bin/web", "sh -c 'exec ~/bin/web'")),
    ("bash: bash", Once),
];

fn command(translated: &Translated) -> String {
    translated
        .app
        .spec
        .processes
        .values()
        .next()
        .unwrap()
        .command
        .clone()
        .unwrap()
}

#[test]
fn lines_of_real_procfiles_are_judged() {
    for (text, expected) in LINES {
        let (_, line) = text.split_once(": ").unwrap();
        let asks = |wraps: bool| {
            let translated = translate_with(text.as_bytes(), &identity(), wraps);
            translated.unwrap_or_else(|problems| panic!("{text}\n{problems:#?}"))
        };
        let (plain, wrapped) = (asks(false), asks(true));
        let said: Vec<String> = plain.warnings.iter().map(ToString::to_string).collect();
        let is_noservice = plain
            .app
            .spec
            .processes
            .values()
            .any(|process| process.noservice == Some(true));
        assert_eq!(is_noservice, *expected == Release, "{text}");
        if *expected != Release {
            assert_eq!(command(&plain), line, "{text}");
        }
        let name = text.split(':').next().unwrap();
        let says = |begin: &str| {
            let begin = format!("line 1: process {name}: {begin}");
            assert!(
                said.iter().any(|said| said.starts_with(&begin)),
                "{text}\n{said:#?}"
            );
        };
        match expected {
            Works => assert_eq!(said, [""; 0], "{text}"),
            Shell(sign, with_a_shell) => {
                says(&format!("contains {sign}"));
                assert_eq!(command(&wrapped), *with_a_shell, "{text}");
                let words = shell_words::split(with_a_shell).unwrap();
                assert_eq!(words.len(), 3, "{words:?}");
            }
            Release if name == "postdeploy" => says("is run once after each release elsewhere"),
            Release => {
                assert!(said.is_empty() || text.contains('='), "{text}\n{said:#?}");
                let release = plain.app.spec.release.as_ref().unwrap();
                assert_eq!(release.process, "release");
            }
            Once => says("looks as if it ran once"),
        }
        if !matches!(expected, Shell(..)) && !text.contains('=') {
            assert_eq!(command(&wrapped), line, "{text}");
        }
    }
}

#[test]
fn a_list_and_further_words_are_carried_into_the_shell() {
    let wrapped = |text: &str| {
        let translated = translate_with(text.as_bytes(), &identity(), true).unwrap();
        let process = translated.app.spec.processes.into_values().next().unwrap();
        (process.command.unwrap(), process.args)
    };
    for (text, expected) in [
        (
            "web: {command: [./web, -p, $PORT, a b]}",
            r#"sh -c 'exec ./web -p "$PORT" '\''a b'\'''"#,
        ),
        (
            "web: {command: [cd, app, '&&', ./web]}",
            "sh -c 'cd app && exec ./web'",
        ),
        (
            "web: {command: ./web $A, args: [b c, d]}",
            r"sh -c 'exec ./web $A '\''b c'\'' d'",
        ),
        (
            "web: {command: ./web, args: [$PORT]}",
            "sh -c 'exec ./web \"$PORT\"'",
        ),
        (
            "web:\n  command: |\n    ./setup\n    ./web $A\n",
            "sh -c './setup\nexec ./web $A'",
        ),
    ] {
        assert_eq!(wrapped(text), (expected.into(), Vec::<String>::new()), "{text}");
    }
    // A shell would take it for a command, and would not pass on the words.
    for text in [
        "web: {command: ./web, args: [$(PORT)]}",
        "web: {command: './web $A;', args: [b]}",
    ] {
        let translated = translate_with(text.as_bytes(), &identity(), true).unwrap();
        assert!(!command(&translated).starts_with("sh -c"), "{text}");
        assert!(
            translated.warnings[0].message.starts_with("contains "),
            "{translated:#?}"
        );
    }
}

#[test]
fn a_warning_names_line_process_reason_and_what_to_write() {
    let said = |text: &str, wraps: bool| -> Vec<String> {
        let translated = translate_with(text.as_bytes(), &identity(), wraps).unwrap();
        translated.warnings.iter().map(ToString::to_string).collect()
    };
    let entry_point = "an image that has an ENTRYPOINT gets each command as arguments of that, sh -c too: then no shell \
                       runs it, unless the entry point ends with exec \"$@\"";
    let text = "web: ./web -p $PORT\nworker: KEY=open-sesame ./work\nother: source ./env; ./x\n";
    assert_eq!(
        said(text, false),
        [
            "line 1: process web: contains $PORT, which only a shell understands, and none runs it: write sh -c 'exec ./web -p $PORT', as --shell does",
            "line 2: process worker: contains KEY=, which only a shell understands, and none runs it: set variables in env, or write sh -c '…' to have one, as --shell does",
            "line 3: process other: contains source, ;, which only a shell understands, and none runs it: write sh -c 'source ./env; exec ./x', as --shell does",
            entry_point,
        ]
    );
    assert_eq!(
        said(text, true),
        [
            "line 3: process other: source is of bash, and the sh of Debian and Alpine does not know it",
            entry_point,
        ]
    );
    assert_eq!(
        said("api:\n  args: [a]\n  command: ./web $A\n", false)[0],
        "line 3: process api: command: contains $A, which only a shell understands, and none runs it: write sh -c 'exec ./web $A a', as --shell does"
    );
}

#[test]
fn what_runs_once_becomes_no_service_where_nobody_said_that_it_is_one() {
    let said = |text: &str| -> Vec<String> {
        let translated = translate_with(text.as_bytes(), &identity(), false).unwrap();
        translated.warnings.iter().map(ToString::to_string).collect()
    };
    assert_eq!(said("web: ./web\nrelease: ./migrate\n"), [""; 0]);
    assert_eq!(
        said("web: ./web\npostdeploy: ./seed\n"),
        [
            "line 2: process postdeploy: is run once after each release elsewhere, and nothing runs it here: carried over with noservice; once applied, run it with aws ecs run-task --task-definition <namespace>_acme_postdeploy"
        ]
    );
    // A map says what it means.
    let once = "line 1: process release: looks as if it ran once, and a service starts it again for ever: if so, write {command: …, noservice: true}";
    assert_eq!(said("release: {command: ./migrate}"), [once]);
    for text in [
        "release: {command: ./migrate, noservice: true}",
        "release: {command: ./migrate, cron: '@daily'}",
        "console: {command: ./console, expose: {}}",
        "worker: ./console",
    ] {
        assert_eq!(said(text), [""; 0], "{text}");
    }
}
