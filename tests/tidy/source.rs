//! Adapter: filesystem. The repository's source files as the rules of the house look at them: what is code, what is a test.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
    sync::LazyLock,
};

/// The crates whose files are the product's. What `tests/` holds is not.
pub const PRODUCT: [&str; 9] = [
    "shared",
    "shared/footage",
    "shared/logbook",
    "shared/walls",
    "shared/pictures",
    "shared/http-auth",
    "edge-daemon",
    "hub",
    "hub/documents",
];

pub struct Source {
    /// Path from the repository's root, with `/`.
    pub path: String,
    pub text: String,
    /// The text without comments, contents of literals and items under `#[cfg(test)]`. It has as many lines as the text.
    pub code: String,
    /// Whether the file is compiled into tests only, or serves nothing but tests and fuzzing.
    pub test: bool,
}

impl Source {
    pub fn first_line(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    pub fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// Numbers of the lines in whose code `name` stands as a word, or as words joined by `::`.
    pub fn lines_with(&self, name: &str) -> Vec<usize> {
        let lines = self.code.lines().enumerate();
        let found = lines.filter(|(_, line)| !words(line, name).is_empty());
        found.map(|(at, _)| at + 1).collect()
    }
}

/// Where `name` stands in `code` and is not a part of a longer word.
fn words(code: &str, name: &str) -> Vec<usize> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let (first, last) = (name.starts_with(part), name.ends_with(part));
    code.match_indices(name)
        .map(|(at, _)| at)
        .filter(|at| {
            let (before, after) = (&code[..*at], &code[at + name.len()..]);
            !(first && before.ends_with(part) || last && after.starts_with(part))
        })
        .collect()
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Files below a folder of the repository, by the end of their name.
pub fn below(folder: &str, end: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(root().join(&folder)) else {
            continue;
        };
        for entry in entries {
            let entry = entry.expect("entry");
            let name = entry.file_name().into_string().expect("a name in UTF-8");
            let path = format!("{folder}/{name}");
            match entry.file_type().expect("type").is_dir() {
                true => open.push(path),
                false if name.ends_with(end) => out.push(path),
                false => {}
            }
        }
    }
    out.sort();
    out
}

/// All Rust files of the product's crates, read once.
pub fn product() -> &'static [Source] {
    static ALL: LazyLock<Vec<Source>> = LazyLock::new(read_all);
    &ALL
}

fn read_all() -> Vec<Source> {
    let mut all = Vec::new();
    for krate in PRODUCT {
        let paths = below(&format!("{krate}/src"), ".rs");
        let mut sources: Vec<Source> = paths
            .into_iter()
            .map(|path| {
                let text = read(&path);
                let code = without_tests(&without_words(&text));
                Source {
                    test: serves_tests(&path),
                    path,
                    text,
                    code,
                }
            })
            .collect();
        let tests = test_modules(&sources);
        for source in &mut sources {
            source.test |= tests.contains(&source.path);
        }
        all.extend(sources);
    }
    assert!(all.len() > 300, "only {} files were found", all.len());
    all
}

/// Helpers of tests in several crates, and doors for fuzzing, are compiled always and called by no program.
fn serves_tests(path: &str) -> bool {
    path.starts_with("shared/src/testing") || path.ends_with("src/fuzz.rs")
}

/// Files that are declared under `#[cfg(test)]`, and those that these declare.
fn test_modules(sources: &[Source]) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    let mut open: Vec<String> = Vec::new();
    for source in sources {
        let plain = without_words_but_paths(&source.text);
        open.extend(declared(&source.path, &plain, true));
    }
    while let Some(path) = open.pop() {
        let Some(source) = sources.iter().find(|s| s.path == path) else {
            continue;
        };
        if tests.insert(path.clone()) {
            let plain = without_words_but_paths(&source.text);
            open.extend(declared(&path, &plain, false));
        }
    }
    tests
}

/// Files that a file declares as its modules (`mod name;`): those under `#[cfg(test)]`, or all.
fn declared(path: &str, code: &str, of_tests: bool) -> Vec<String> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let own = match file {
        "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
        file => format!("{folder}/{}", file.trim_end_matches(".rs")),
    };
    let mut out = Vec::new();
    let (mut test, mut place) = (false, None);
    for line in code.lines().map(str::trim) {
        if let Some(attribute) = line.strip_prefix("#[") {
            test |= attribute.starts_with("cfg(test)");
            if let Some(to) = attribute.strip_prefix("path = \"") {
                place = to.split('"').next().map(str::to_owned);
            }
            continue;
        }
        let name = line.strip_suffix(';').and_then(|l| l.rsplit_once("mod "));
        if let Some((_, name)) = name.filter(|_| test || !of_tests) {
            match &place {
                Some(to) => out.push(joined(folder, to)),
                None => out.extend([format!("{own}/{name}.rs"), format!("{own}/{name}/mod.rs")]),
            }
        }
        if !line.is_empty() {
            (test, place) = (false, None);
        }
    }
    out
}

fn joined(folder: &str, to: &str) -> String {
    let mut out = PathBuf::new();
    for part in Path::new(folder).join(to).components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            part => out.push(part),
        }
    }
    out.to_string_lossy().into_owned()
}

/// The code without comments and without what stands in literals, line by line as it was.
pub fn without_words(text: &str) -> String {
    blanked(text, true)
}

fn without_words_but_paths(text: &str) -> String {
    blanked(text, false)
}

fn blanked(text: &str, literals: bool) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let at = |i: usize| bytes.get(i).copied().unwrap_or('\0');
    let keep = |c: char| if c == '\n' { '\n' } else { ' ' };
    let mut i = 0;
    while i < bytes.len() {
        let word = i > 0 && (at(i - 1).is_alphanumeric() || at(i - 1) == '_');
        // `r"…"`, `br#"…"#`: how many hashes stand before the quotation mark.
        let raw = (!word && matches!(at(i), 'r' | 'b' | 'c'))
            .then(|| {
                let mut j = i + 1;
                if at(i) != 'r' {
                    if at(j) != 'r' {
                        return None;
                    }
                    j += 1;
                }
                let hashes = (j..).take_while(|k| at(*k) == '#').count();
                (at(j + hashes) == '"').then_some((j + hashes, hashes))
            })
            .flatten();
        if at(i) == '/' && at(i + 1) == '/' {
            while i < bytes.len() && at(i) != '\n' {
                i += 1;
            }
        } else if at(i) == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            loop {
                match (at(i), at(i + 1)) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    (c, _) => {
                        out.push(keep(c));
                        i += 1;
                    }
                }
                if depth == 0 || i >= bytes.len() {
                    break;
                }
            }
        } else if let Some((quote, hashes)) = raw {
            out.push('"');
            i = quote + 1;
            while i < bytes.len() && !(at(i) == '"' && (1..=hashes).all(|k| at(i + k) == '#')) {
                out.push(keep(at(i)));
                i += 1;
            }
            out.push('"');
            i += 1 + hashes;
        } else if at(i) == '"' {
            out.push('"');
            i += 1;
            while i < bytes.len() && at(i) != '"' {
                let step = if at(i) == '\\' { 2 } else { 1 };
                for k in 0..step {
                    out.push(match literals {
                        true => keep(at(i + k)),
                        false => at(i + k),
                    });
                }
                i += step;
            }
            out.push('"');
            i += 1;
        } else if at(i) == '\'' && (at(i + 1) == '\\' || at(i + 2) == '\'') {
            // A character; what else begins like this is a lifetime.
            out.push_str("' '");
            i += if at(i + 1) == '\\' { 3 } else { 2 };
            while i < bytes.len() && at(i) != '\'' {
                i += 1;
            }
            i += 1;
        } else {
            out.push(at(i));
            i += 1;
        }
    }
    out
}

/// Code without the items under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(from) = rest.find("#[cfg(test)]") {
        out.push_str(&rest[..from]);
        let item = &rest[from..];
        let end = item_end(item);
        out.extend(item[..end].chars().filter(|c| *c == '\n'));
        rest = &item[end..];
    }
    out.push_str(rest);
    out
}

/// Where an item with attributes before it ends: behind its `;`, or behind the brace that closes its first one.
fn item_end(item: &str) -> usize {
    let (mut depth, mut brackets) = (0_i32, 0_i32);
    for (at, c) in item.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return if depth == 1 { at + 1 } else { at },
            '}' => depth -= 1,
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            ';' | ',' if depth == 0 && brackets == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

/// What the reading of source rests on.
#[test]
fn code_is_told_from_words() {
    let text = r##"
//! unwrap()
use a::b; // panic
const A: &str = "unsafe \" {"; /* unsafe /* { */ x */ const B: char = '{';
fn f<'a>() { let r = r#"unsafe "quoted""#; let c = '\''; let d = b"unsafe"; }
#[cfg(test)]
#[allow(unused)]
mod tests { fn g() { x.unwrap() } }
#[cfg(test)]
use c::d;
fn h() { unsafe { real() } }
"##;
    let code = without_tests(&without_words(text));
    assert_eq!(code.lines().count(), text.lines().count());
    assert_eq!(words(&code, "unsafe").len(), 1, "{code}");
    for word in ["unwrap", "panic", "quoted", "c::d"] {
        assert!(words(&code, word).is_empty(), "{word}: {code}");
    }
    assert_eq!(words(&code, "a::b").len(), 1);
    assert!(words("reunsafe unsafely", "unsafe").is_empty());
    let plain = "#[cfg(test)]\n#[path = \"../x_tests.rs\"]\nmod tests;\nmod other;\n";
    assert_eq!(
        declared("hub/src/a/b.rs", plain, true),
        ["hub/src/x_tests.rs"]
    );
    assert_eq!(
        declared("hub/src/a/b.rs", "mod c;", false),
        ["hub/src/a/b/c.rs", "hub/src/a/b/c/mod.rs"]
    );
}
