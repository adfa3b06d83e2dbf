//! Pure. A paper as values in words: one list of parts, of which both the plain text and the PDF are made, so that they cannot differ.
//!
//! As plain text: labels on the left, sentences beside them, no line over 92 characters. As JSON it is what `beadle-documents` is given.

use serde::Serialize;
use shared::time::Day;

const WIDTH: usize = 92;
const COLUMN: usize = 15;
/// A ruled line to write on, as text.
const RULE: usize = 60;

/// Which papers there are: each names its template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// A4, with a heading on each page.
    #[default]
    Page,
    /// The same, each page of which is signed at its foot.
    Signed,
    /// A4 on its side, for tables.
    Wide,
    /// 100 × 150 mm, to stick on what is handed over.
    Label,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "part", rename_all = "lowercase")]
pub enum Part {
    Heading {
        text: String,
    },
    /// What is said under a label: where it is more than one sentence, each on lines of its own behind a dash.
    Item {
        label: String,
        sentences: Vec<String>,
    },
    /// A paragraph, so far in from the left.
    Text {
        indent: usize,
        text: String,
    },
    /// One line as it is; in letters of one width.
    Line {
        text: String,
    },
    /// The first column is wide enough for what it holds; the last is as wide as the page lets it be.
    Table {
        head: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    /// A table to be filled in by hand.
    Ledger {
        head: Vec<String>,
        rows: usize,
    },
    /// Ruled lines for what only a person can say, by hand.
    Blank {
        label: String,
        lines: usize,
    },
    /// Boxes to be ticked by hand.
    Choice {
        label: String,
        choices: Vec<String>,
    },
    /// To be filled in beside each other.
    Fields {
        labels: Vec<String>,
    },
    /// A square code, as SVG, and what is in it.
    Code {
        svg: String,
        holds: String,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Paper {
    pub sort: Sort,
    pub title: String,
    /// At the end of the title's line: the exhibit, the request.
    pub right: String,
    /// BCP 47.
    pub lang: &'static str,
    /// Day it was made on, 2026-11-29.
    pub day: String,
    /// Whose paper it is: the scheme.
    pub author: String,
    /// Of a signed one, what stands at the foot of each page, before the lines to sign on.
    pub foot: Vec<String>,
    pub parts: Vec<Part>,
}

impl Paper {
    pub fn new(title: &str, right: &str) -> Self {
        Self {
            title: title.to_owned(),
            right: right.to_owned(),
            lang: "en-GB",
            ..Self::default()
        }
    }

    pub fn of(mut self, sort: Sort, author: &str, day: Day) -> Self {
        self.sort = sort;
        self.author = author.to_owned();
        self.day = day.to_string();
        self
    }

    pub fn heading(&mut self, text: &str) {
        let text = text.to_owned();
        self.parts.push(Part::Heading { text });
    }

    pub fn line(&mut self, text: &str) {
        let text = text.to_owned();
        self.parts.push(Part::Line { text });
    }

    /// Nothing where there is no sentence.
    pub fn item<T: Into<String>>(&mut self, label: &str, sentences: impl IntoIterator<Item = T>) {
        let sentences: Vec<String> = sentences.into_iter().map(Into::into).collect();
        if !sentences.is_empty() {
            let label = label.to_owned();
            self.parts.push(Part::Item { label, sentences });
        }
    }

    pub fn text(&mut self, indent: usize, text: &str) {
        let text = text.to_owned();
        self.parts.push(Part::Text { indent, text });
    }

    pub fn table(&mut self, head: &[&str], rows: Vec<Vec<String>>) {
        self.parts.push(Part::Table {
            head: head.iter().map(|h| (*h).to_owned()).collect(),
            rows,
        });
    }

    pub fn ledger(&mut self, head: &[&str], rows: usize) {
        let head = head.iter().map(|h| (*h).to_owned()).collect();
        self.parts.push(Part::Ledger { head, rows });
    }

    pub fn blank(&mut self, label: &str, lines: usize) {
        let label = label.to_owned();
        self.parts.push(Part::Blank { label, lines });
    }

    pub fn choice(&mut self, label: &str, choices: &[&str]) {
        self.parts.push(Part::Choice {
            label: label.to_owned(),
            choices: choices.iter().map(|c| (*c).to_owned()).collect(),
        });
    }

    pub fn fields(&mut self, labels: &[&str]) {
        let labels = labels.iter().map(|l| (*l).to_owned()).collect();
        self.parts.push(Part::Fields { labels });
    }

    /// Everything it says, piece by piece: what text and PDF both have to hold.
    pub fn sayings(&self) -> Vec<&str> {
        let mut all = vec![self.title.as_str(), self.right.as_str()];
        all.extend(self.foot.iter().map(String::as_str));
        for part in &self.parts {
            match part {
                Part::Heading { text } | Part::Text { text, .. } | Part::Line { text } => {
                    all.push(text);
                }
                Part::Item { label, sentences } => {
                    all.push(label);
                    all.extend(sentences.iter().map(String::as_str));
                }
                Part::Table { head, rows } => {
                    all.extend(head.iter().map(String::as_str));
                    all.extend(rows.iter().flatten().map(String::as_str));
                }
                Part::Ledger { head, .. } => all.extend(head.iter().map(String::as_str)),
                Part::Blank { label, .. } => all.push(label),
                Part::Choice { label, choices } => {
                    all.push(label);
                    all.extend(choices.iter().map(String::as_str));
                }
                Part::Fields { labels } => all.extend(labels.iter().map(String::as_str)),
                Part::Code { holds, .. } => all.push(holds),
            }
        }
        all.retain(|s| !s.trim().is_empty());
        all
    }

    /// As plain text.
    pub fn to_text(&self) -> String {
        let room = WIDTH.saturating_sub(self.title.chars().count());
        let mut out = Text(format!("{}{:>room$}\n", self.title, self.right));
        for part in &self.parts {
            match part {
                Part::Heading { text } => out.put(&format!("\n{text}\n")),
                Part::Line { text } => out.put(&format!("{text}\n")),
                Part::Item { label, sentences } => out.item(label, sentences),
                Part::Text { indent, text } => {
                    out.put(&" ".repeat(*indent));
                    out.wrap(*indent, text);
                }
                Part::Table { head, rows } => out.table(head, rows),
                Part::Ledger { head, rows } => {
                    out.wrap(0, &head.join(" | "));
                    for _ in 0..*rows {
                        out.put(&format!("\n{}\n", "_".repeat(WIDTH)));
                    }
                }
                Part::Blank { label, lines } => {
                    let mut label = format!("{label:<COLUMN$} ");
                    if label.chars().count() > COLUMN + 1 {
                        out.wrap(0, label.trim_end());
                        label = " ".repeat(COLUMN + 1);
                    }
                    for _ in 0..*lines {
                        out.put(&format!("{label}{}\n", "_".repeat(RULE)));
                        label = " ".repeat(COLUMN + 1);
                    }
                }
                Part::Choice { label, choices } => {
                    let boxes: Vec<String> = choices.iter().map(|c| format!("[ ] {c}")).collect();
                    out.put(&format!("{label:<COLUMN$}"));
                    out.wrap(COLUMN, &boxes.join("   "));
                }
                Part::Fields { labels } => out.fields(labels),
                Part::Code { holds, .. } => {
                    out.put(&" ".repeat(2));
                    out.wrap(2, holds);
                }
            }
        }
        if !self.foot.is_empty() {
            out.fields(&self.foot);
        }
        out.0
    }
}

struct Text(String);

impl Text {
    fn put(&mut self, text: &str) {
        self.0.push_str(text);
    }

    fn item(&mut self, label: &str, sentences: &[String]) {
        let dash = if sentences.len() > 1 { "- " } else { "" };
        let mut label = format!("{label:<COLUMN$}");
        if label.chars().count() > COLUMN {
            self.put(&format!("{label}\n"));
            label = " ".repeat(COLUMN);
        }
        for sentence in sentences {
            self.put(&label);
            self.put(dash);
            self.wrap(COLUMN + dash.len(), sentence);
            label = " ".repeat(COLUMN);
        }
    }

    fn fields(&mut self, labels: &[String]) {
        let each = WIDTH / labels.len().max(1);
        let mut line = String::new();
        for label in labels {
            let room = each.saturating_sub(label.chars().count() + 3);
            line += &format!("{label} {}  ", "_".repeat(room));
        }
        self.put(&format!("\n{}\n", line.trim_end()));
    }

    /// Columns as wide as what they hold, the last one wrapped.
    fn table(&mut self, head: &[String], rows: &[Vec<String>]) {
        let columns = head.len().saturating_sub(1);
        let widths: Vec<usize> = (0..columns)
            .map(|at| {
                let below = rows.iter().filter_map(|r| r.get(at));
                let cells = below.chain(head.get(at)).map(|c| c.chars().count());
                cells.max().unwrap_or(0).max(COLUMN - 2) + 2
            })
            .collect();
        let indent = widths.iter().sum();
        for row in [head.to_vec()].iter().chain(rows) {
            for (cell, width) in row.iter().zip(&widths) {
                self.put(&format!("{cell:<width$}"));
            }
            self.wrap(indent, row.last().map_or("", String::as_str));
        }
    }

    fn wrap(&mut self, indent: usize, text: &str) {
        // A column far on the right is not made narrower than what can be read.
        let width = WIDTH.max(indent + 30);
        let mut at = indent;
        for word in text.split(' ') {
            let len = word.chars().count();
            if at > indent && at + 1 + len > width {
                self.put("\n");
                self.put(&" ".repeat(indent));
                at = indent;
            } else if at > indent {
                self.put(" ");
                at += 1;
            }
            self.put(word);
            at += len;
        }
        self.put("\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_wider_than_the_page() {
        let mut paper = Paper::new("A TITLE", "EXH-2026-000001");
        paper.heading("PART");
        paper.item("Gaps", ["of ten seconds ".repeat(20), "é".repeat(60)]);
        paper.text(2, &"words ".repeat(60));
        paper.blank("What I saw", 2);
        paper.fields(&["Signed", "Dated"]);
        paper.choice("Copy", &["master", "working"]);
        let row = vec!["Asked from".to_owned(), "words ".repeat(40)];
        paper.table(&["Period", "local time"], vec![row]);
        let text = paper.to_text();
        assert!(text.lines().all(|l| l.chars().count() <= WIDTH), "{text}");
        assert!(text.starts_with("A TITLE ") && text.contains("\nGaps           - of ten"));
        assert!(text.contains(&format!("\n{}é", " ".repeat(COLUMN) + "- ")));
        assert!(text.contains("\nCopy           [ ] master   [ ] working\n"));
    }
}
