//! Pure. What the address of a view of footage says: the cameras, the day, from and to, and what was looked for. Whoever has the address has the view.

use shared::{
    id::BoxCamera,
    time::{Day, Utc, Zone},
};

use crate::{api::call::encoded, error::HubError, reason::Clips};

/// Cameras of one view.
pub const MOST: usize = 16;

/// A view, as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub search: String,
    pub cameras: Vec<BoxCamera>,
    pub day: Option<Day>,
    /// As they were typed.
    pub from: String,
    pub to: String,
}

impl View {
    /// From the fields of an address or a form; what is no camera is left out.
    pub fn of(fields: &[(String, String)]) -> Self {
        let mut view = Self::default();
        for (name, value) in fields {
            let value = value.trim();
            match name.as_str() {
                "search" => view.search = value.chars().take(100).collect(),
                "cam" => {
                    let named = BoxCamera::parse(value).ok();
                    let new = named.filter(|c| !view.cameras.contains(c));
                    if view.cameras.len() < MOST {
                        view.cameras.extend(new);
                    }
                }
                "day" => view.day = Day::parse(value).ok(),
                "from" => view.from = value.to_owned(),
                "to" => view.to = value.to_owned(),
                _ => {}
            }
        }
        view
    }

    /// Where it is.
    pub fn address(&self) -> String {
        let mut fields: Vec<(&str, String)> = Vec::new();
        if !self.search.is_empty() {
            fields.push(("search", self.search.clone()));
        }
        fields.extend(self.cameras.iter().map(|c| ("cam", c.to_string())));
        fields.extend(self.day.map(|d| ("day", d.to_string())));
        for (name, text) in [("from", &self.from), ("to", &self.to)] {
            if !text.is_empty() {
                fields.push((name, text.clone()));
            }
        }
        let fields = fields.iter().map(|(n, v)| format!("{n}={}", encoded(v)));
        let fields: Vec<String> = fields.collect();
        match fields.is_empty() {
            true => "/find".into(),
            false => format!("/find?{}", fields.join("&")),
        }
    }

    /// The same of another day. What was typed of this one is left behind.
    pub fn on(&self, day: Day) -> Self {
        Self {
            day: Some(day),
            from: String::new(),
            to: String::new(),
            ..self.clone()
        }
    }

    pub fn without(&self, camera: &BoxCamera) -> Self {
        let mut cameras = self.cameras.clone();
        cameras.retain(|c| c != camera);
        Self {
            cameras,
            ..self.clone()
        }
    }

    /// A time that is typed as the clock on the wall shows it: alone it is of the day that is looked at.
    fn moment(&self, text: &str, day: Day, zone: &Zone) -> Result<Option<Utc>, HubError> {
        if text.is_empty() {
            return Ok(None);
        }
        let alone = text.split_once(':').is_some_and(|(hours, _)| {
            (1..=2).contains(&hours.len()) && hours.chars().all(|c| c.is_ascii_digit())
        });
        let whole = match alone {
            true => format!("{day} {text}"),
            false => text.to_owned(),
        };
        let read = zone.typed(&whole).map(Some);
        read.map_err(|why| Clips::TimeUnreadable { why }.into())
    }

    pub fn span(&self, day: Day, zone: &Zone) -> Result<Option<(Utc, Utc)>, HubError> {
        let from = self.moment(&self.from, day, zone)?;
        let to = self.moment(&self.to, day, zone)?;
        Ok(from.zip(to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(address: &str) -> Vec<(String, String)> {
        let query = address.split_once('?').map_or("", |(_, q)| q);
        let pairs = query.split('&').filter_map(|p| p.split_once('='));
        let plain = |v: &str| {
            v.replace("%20", " ")
                .replace("%3A", ":")
                .replace("%2F", "/")
        };
        pairs.map(|(n, v)| (n.to_owned(), plain(v))).collect()
    }

    /// UI-1: a view is its address: sent to somebody, it is the same view.
    #[test]
    fn a_view_is_its_address() {
        let camera = |c: &str| BoxCamera::parse(c).expect("camera");
        let view = View {
            search: "high street".into(),
            cameras: vec![camera("ashby/c01"), camera("tenby/c02")],
            day: Day::parse("2026-10-25").ok(),
            from: "01:30 BST".into(),
            to: "01:10 GMT".into(),
        };
        assert_eq!(View::of(&fields(&view.address())), view);
        assert_eq!(View::default().address(), "/find");
        let odd = [("cam".to_owned(), "x".to_owned())];
        assert_eq!(View::of(&odd), View::default());
    }

    /// RET-2: a time alone is of the day that is looked at, and the hour that October repeats is asked for by name.
    #[test]
    fn times_are_of_the_day() {
        let zone = Zone::parse("Europe/London").expect("zone");
        let day = Day::parse("2026-10-25").expect("day");
        let of = |from: &str, to: &str| View {
            from: from.into(),
            to: to.into(),
            ..View::default()
        };
        let (from, to) = of("1:30 BST", "01:10:00 GMT")
            .span(day, &zone)
            .expect("read")
            .expect("both");
        assert_eq!(from.to_string(), "2026-10-25T00:30:00.000Z");
        assert_eq!(to.to_string(), "2026-10-25T01:10:00.000Z");
        let whole = of("24/10/2026 12:00", "2026-10-24 12:05");
        assert!(whole.span(day, &zone).expect("read").is_some());
        assert!(of("01:30", "02:00").span(day, &zone).is_err());
        assert_eq!(of("12:00", "").span(day, &zone).expect("read"), None);
    }
}
