//! Every link of every page leads somewhere, every page of docs/ is linked, and comments cite pages that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::read;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the files below a folder of the repository with one of these extensions, by their paths from its root.
pub(super) fn files(folder: &str, extensions: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let extension = path.extension().unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
            } else if extensions.iter().any(|known| extension == *known) {
                found.insert(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found
}

/// Returns all pages: those at the top level and those of `docs/`.
pub(super) fn pages() -> BTreeSet<String> {
    let top = fs::read_dir(root()).unwrap();
    let names = top.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages = files("docs", &["md"]);
    pages.extend(names.filter(|name| Path::new(name).extension().is_some_and(|known| known == "md")));
    pages
}

/// Returns the text without blocks of code, in which nothing is a link or a heading.
fn prose(text: &str) -> String {
    let mut inside = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !fence && !inside
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns what GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let text = prose(text);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(anchor).collect()
}

/// Returns where a page links to: in place, and by a reference whose target is elsewhere on the page.
fn links(text: &str) -> (Vec<String>, Vec<String>) {
    let text = prose(text);
    let rest = |text: &str, end: char| text.split(end).next().unwrap_or_default().to_owned();
    let in_place = text.split("](").skip(1).map(|text| rest(text, ')'));
    let targets = text
        .lines()
        .filter_map(|line| line.strip_prefix('[')?.split_once("]: "));
    let targets: BTreeMap<&str, &str> = targets.collect();
    let named = text.split("][").skip(1).map(|text| rest(text, ']'));
    let missing = named.filter(|name| !targets.contains_key(name.as_str()));
    let missing = missing.collect();
    let known = targets.values().map(|&target| target.to_owned());
    (in_place.chain(known).collect(), missing)
}

/// Returns the path from the root of what a page calls by a relative one; `None` outside of the repository.
fn resolved(page: &str, link: &str) -> Option<String> {
    let mut path = PathBuf::new();
    for part in Path::new(page).parent()?.join(link).components() {
        match part {
            Component::ParentDir => path.pop().then_some(())?,
            Component::CurDir => {}
            Component::Normal(name) => path.push(name),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    path.to_str().map(str::to_owned)
}

/// Returns the pages that this one links to, or what is wrong with its links.
fn followed(page: &str, text: &str) -> Result<BTreeSet<String>, Vec<String>> {
    let (links, mut wrong) = links(text);
    let mut found = BTreeSet::new();
    for link in links.iter().filter(|link| !link.starts_with("https://")) {
        let (file, heading) = link.split_once('#').unwrap_or((link, ""));
        let target = if file.is_empty() {
            Some(page.to_owned())
        } else {
            resolved(page, file)
        };
        let there = target.filter(|target| target == page || root().join(target).exists());
        let Some(target) = there else {
            wrong.push(link.clone());
            continue;
        };
        let has_heading = || {
            if target == page {
                anchors(text).contains(heading)
            } else {
                anchors(&read(&target)).contains(heading)
            }
        };
        if !heading.is_empty() && !has_heading() {
            wrong.push(link.clone());
        }
        found.insert(target);
    }
    if wrong.is_empty() { Ok(found) } else { Err(wrong) }
}

#[test]
fn every_link_leads_somewhere_and_every_page_is_linked() {
    let pages = pages();
    let mut linked = BTreeSet::from(["README.md".to_owned()]);
    for page in &pages {
        let found = followed(page, &read(page)).unwrap_or_else(|wrong| panic!("{page} links to {wrong:?}"));
        linked.extend(found.into_iter().filter(|target| target != page));
    }
    let lost: Vec<_> = pages.difference(&linked).collect();
    assert!(pages.len() > 20 && lost.is_empty(), "no page links to {lost:?}");
}

#[test]
fn links_that_lead_nowhere_are_noticed() {
    let check = |text: &str, wrong: &[&str]| {
        let found = followed("docs/page.md", text).err().unwrap_or_default();
        assert_eq!(found, wrong, "{text}");
    };
    check(
        "[a](design.md) [b](../README.md#try-it) [c](https://example.com/#x)",
        &[],
    );
    check("# One, two\n[a](#one-two) [b][x]\n\n[x]: aws.md\n", &[]);
    check("```\n[a](nowhere.md)\n```\n", &[]);
    check("[a](nowhere.md)", &["nowhere.md"]);
    check("[a](../../outside.md)", &["../../outside.md"]);
    check("[a](/etc/hosts)", &["/etc/hosts"]);
    check("[a](design.md#nowhere)", &["design.md#nowhere"]);
    check("# One\n[a](#two)", &["#two"]);
    check("[a][x]", &["x"]);
    check("[a][x]\n\n[x]: nowhere.md\n", &["nowhere.md"]);
}

/// Returns the words of a text that name a page, each with its anchor.
fn cited(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"_-./#".contains(c));
    let words = words.map(|word| word.trim_end_matches(['.', '/', '#']));
    words.filter(|word| {
        let file = word.split('#').next().unwrap_or_default();
        Path::new(file).extension().is_some_and(|known| known == "md")
    })
}

#[test]
fn source_cites_pages_of_this_repository_only() {
    let mut texts = files("src", &["rs"]);
    texts.extend(files("tests", &["rs", "py"]));
    texts.extend(files("deploy", &["yaml", "bash"]));
    texts.extend(files("crds", &["yaml"]));
    // It makes up links.
    texts.remove("tests/readme/links.rs");
    let known = pages();
    let mut count = 0;
    for file in &texts {
        for word in cited(&read(file)) {
            let (page, heading) = word.split_once('#').unwrap_or((word, ""));
            let page = page.trim_start_matches("../");
            assert!(known.contains(page), "{file} cites {word}");
            let is_there = heading.is_empty() || anchors(&read(page)).contains(heading);
            assert!(is_there, "{file} cites {word}");
            count += 1;
        }
    }
    assert!(count > 5, "{count} citations are too few to be all");
    let words: Vec<_> = cited("See DESIGN.md, (docs/aws.md#the-floor). A .md file.").collect();
    assert_eq!(words, ["DESIGN.md", "docs/aws.md#the-floor"]);
}

/// Returns the files and folders of the repository that a page names as code, up to a `*` or a placeholder.
fn named(text: &str) -> BTreeSet<&str> {
    const FOLDERS: [&str; 7] = ["src", "tests", "deploy", "crds", "docs", ".ci", ".github"];
    let code = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let paths = code.filter(|code| {
        let folder = code.split_once('/').map(|(folder, _)| folder);
        folder.is_some_and(|folder| FOLDERS.contains(&folder)) && !code.contains(' ')
    });
    paths
        .map(|path| match path.split_once(['*', '<']) {
            Some((known, _)) => known.rsplit_once('/').map_or(known, |(folder, _)| folder),
            None => path,
        })
        .collect()
}

#[test]
fn files_that_pages_name_are_there() {
    let mut count = 0;
    for page in pages() {
        // These tell of what was.
        if page == "CHANGELOG.md" || page.starts_with("docs/decisions/") {
            continue;
        }
        for path in named(&prose(&read(&page))) {
            assert!(root().join(path).exists(), "{page} names {path}");
            count += 1;
        }
    }
    assert!(count > 30, "{count} names are too few to be all");
    let text =
        "`src/lib.rs` `src/aws/<service>.rs` `tests/golden/*.txt` `docs/nowhere` `cat src/x` src/y `crds/`";
    let expected = BTreeSet::from(["src/lib.rs", "src/aws", "tests/golden", "docs/nowhere", "crds/"]);
    assert_eq!(named(text), expected);
}

/// Commands that the README tells people to type.
#[test]
fn commands_of_the_readme_are_there() {
    let readme = read("README.md");
    let words = readme
        .split(['`', ' ', '\n'])
        .filter(|word| word.starts_with("./deploy/"));
    let commands: BTreeSet<_> = words.collect();
    assert_eq!(
        commands,
        BTreeSet::from(["./deploy/local/up", "./deploy/local/down"])
    );
    assert!(
        readme.contains("\ncargo test "),
        "the command that tests everything"
    );
    for command in commands {
        assert!(root().join(command).exists(), "{command}");
    }
}

#[test]
fn every_decision_is_listed_and_has_its_parts() {
    let index = read("docs/decisions/README.md");
    for file in files("docs/decisions", &["md"]) {
        let name = file.rsplit('/').next().unwrap();
        if name == "README.md" {
            continue;
        }
        let text = read(&file);
        let (number, _) = name.split_once('-').unwrap();
        let number: u16 = number.parse().unwrap();
        let title = text
            .lines()
            .next()
            .unwrap()
            .strip_prefix(&format!("# {number}. "));
        assert!(title.is_some(), "{file} begins with its number");
        assert!(
            index.contains(&format!("[{number}]({name})")),
            "{name} is not in the index"
        );
        for part in ["Context", "Decision", "Consequences"] {
            assert!(text.contains(&format!("**{part}.**")), "{file} lacks {part}");
        }
    }
}
