//! Pure. A page of plain text as people print it: labels on the left, sentences beside them, no line over 92 characters.

const WIDTH: usize = 92;
const COLUMN: usize = 15;

#[derive(Default)]
pub struct Paper(String);

impl Paper {
    /// `right` stands at the end of the title's line.
    pub fn new(title: &str, right: &str) -> Self {
        let room = WIDTH.saturating_sub(title.chars().count());
        Self(format!("{title}{right:>room$}\n"))
    }

    pub fn heading(&mut self, text: &str) {
        self.0.push_str(&format!("\n{text}\n"));
    }

    /// One line as it is.
    pub fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    /// A label, and what is said under it: where it is more than one sentence, each on lines of its own behind a dash.
    pub fn item<T: AsRef<str>>(&mut self, label: &str, sentences: impl IntoIterator<Item = T>) {
        let sentences: Vec<T> = sentences.into_iter().collect();
        let dash = if sentences.len() > 1 { "- " } else { "" };
        let mut label = format!("{label:<COLUMN$}");
        for sentence in &sentences {
            self.0.push_str(&label);
            self.0.push_str(dash);
            self.wrap(COLUMN + dash.len(), sentence.as_ref());
            label = " ".repeat(COLUMN);
        }
    }

    /// A paragraph, so far in from the left.
    pub fn text(&mut self, indent: usize, text: &str) {
        self.0.push_str(&" ".repeat(indent));
        self.wrap(indent, text);
    }

    fn wrap(&mut self, indent: usize, text: &str) {
        let mut at = indent;
        for word in text.split(' ') {
            let len = word.chars().count();
            if at > indent && at + 1 + len > WIDTH {
                self.0.push('\n');
                self.0.push_str(&" ".repeat(indent));
                at = indent;
            } else if at > indent {
                self.0.push(' ');
                at += 1;
            }
            self.0.push_str(word);
            at += len;
        }
        self.0.push('\n');
    }

    pub fn finish(self) -> String {
        self.0
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
        let text = paper.finish();
        assert!(text.lines().all(|l| l.chars().count() <= WIDTH), "{text}");
        assert!(text.starts_with("A TITLE ") && text.contains("\nGaps           - of ten"));
        assert!(text.contains(&format!("\n{}é", " ".repeat(COLUMN) + "- ")));
    }
}
