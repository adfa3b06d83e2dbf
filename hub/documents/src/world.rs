//! Pure. What a template finds when it looks around: the other templates, the values of the document, and the fonts. Nothing else is there.
use typst::{
    Library, LibraryExt, World, WorldExt,
    diag::{FileError, FileResult, SourceDiagnostic},
    foundations::{Bytes, Datetime, Duration},
    syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot},
    text::{Font, FontBook},
    utils::LazyHash,
};

/// The values of the document, by the name that templates know.
const VALUES: &str = "document.json";
/// The first of them is where it begins.
const TEMPLATES: [(&str, &str); 4] = [
    ("document.typ", include_str!("../templates/document.typ")),
    ("page.typ", include_str!("../templates/page.typ")),
    ("parts.typ", include_str!("../templates/parts.typ")),
    ("label.typ", include_str!("../templates/label.typ")),
];

pub struct Desk {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    main: FileId,
    values: Bytes,
}

/// None only of a name that no path can have.
fn id(name: &str) -> Option<FileId> {
    let path = VirtualPath::new(name).ok()?;
    Some(RootedPath::new(VirtualRoot::Project, path).intern())
}

impl Desk {
    pub fn new() -> Self {
        let fonts: Vec<Font> = typst_assets::fonts()
            .flat_map(|data| Font::iter(Bytes::new(data)))
            .filter(|f| {
                ["Libertinus Serif", "DejaVu Sans Mono"].contains(&f.info().family.as_str())
            })
            .collect();
        Self {
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            fonts,
            main: id(TEMPLATES[0].0).unwrap_or_else(|| Source::detached("").id()),
            values: Bytes::new(Vec::new()),
        }
    }

    pub fn with(mut self, values: Vec<u8>) -> Self {
        self.values = Bytes::new(values);
        self
    }

    /// What went wrong, in one line.
    pub fn words(&self, all: &[SourceDiagnostic]) -> String {
        let one = |d: &SourceDiagnostic| {
            let place = d
                .span
                .id()
                .map(|id| id.vpath().get_without_slash().to_owned());
            let at = self.range(d.span).zip(d.span.id());
            let line = at.and_then(|(range, id)| {
                let source = self.source(id).ok()?;
                Some(source.lines().byte_to_line(range.start)? + 1)
            });
            match (place, line) {
                (Some(place), Some(line)) => format!("{place}:{line}: {}", d.message),
                _ => d.message.to_string(),
            }
        };
        all.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, of: FileId) -> FileResult<Source> {
        let name = of.vpath().get_without_slash();
        let text = TEMPLATES.iter().find(|(template, _)| *template == name);
        match text {
            Some((_, text)) => Ok(Source::new(of, (*text).to_owned())),
            None => Err(FileError::NotFound(name.into())),
        }
    }

    fn file(&self, of: FileId) -> FileResult<Bytes> {
        let name = of.vpath().get_without_slash();
        match name == VALUES {
            true => Ok(self.values.clone()),
            false => Err(FileError::NotFound(name.into())),
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.get(index).cloned()
    }

    /// The day is one of the values.
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}
