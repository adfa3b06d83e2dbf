//! Task. What clips leave of a thin line: to the audit log, to orders, to other clips, to other people's TCP. The suite `priority` asks for a
//! short slice of it.
use std::{
    fs, thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{Done, Told, Trouble, line::Line, pages::Person, town::Town, wait};

/// Some footage: `box`, `cam`, from, to.
pub type Stretch<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Somebody signed in at the hub's end of a line, and the box at the other end.
pub struct Desk<'a> {
    pub line: &'a Line,
    pub person: &'a Person,
    pub town: &'a Town,
}

impl Desk<'_> {
    fn post(&self, path: &str, body: Value) -> Done<Value> {
        self.line.at_hub(|| self.person.post(path, body))
    }

    /// Asks for a clip and does not wait for it; its exhibit.
    ///
    /// # Errors
    /// It was refused.
    pub fn asked(&self, (r#box, cam, from, to): Stretch<'_>, urgent: bool) -> Done<String> {
        let asked = json!({
            "box": r#box, "cam": cam, "from": from, "to": to, "urgent": urgent,
            "purpose": "Investigation of a theft", "reference": "CRIME-26-000417", "requester": "PC 1234 Evans",
        });
        let made = self.post("/clips", asked)?;
        let exhibit = made["exhibit"].as_str().map(str::to_owned);
        exhibit.ok_or_else(|| Trouble(format!("no exhibit: {made}")))
    }

    /// The row of an exhibit.
    ///
    /// # Errors
    /// There is none.
    pub fn clip(&self, exhibit: &str) -> Done<Value> {
        self.line
            .at_hub(|| self.person.get(&format!("/clips/{exhibit}")))
    }

    /// Bytes of an exhibit that are here.
    ///
    /// # Errors
    /// There is no such exhibit.
    pub fn came(&self, exhibit: &str) -> Done<u64> {
        Ok(self.clip(exhibit)?["bytes"].as_u64().unwrap_or(0))
    }

    /// Has a pull wait, or go on, or be called off.
    ///
    /// # Errors
    /// It was refused.
    pub fn steer(&self, exhibit: &str, act: &str) -> Done<()> {
        self.post(&format!("/clips/{exhibit}/{act}"), json!({}))
            .map(drop)
    }

    /// Waits until a clip stands so.
    ///
    /// # Errors
    /// It did not in time.
    pub fn stands(&self, exhibit: &str, secs: u64, wanted: impl Fn(&Value) -> bool) -> Done<Value> {
        wait::until(&format!("the clip {exhibit}"), secs, || {
            let row = self.clip(exhibit)?;
            if row["state"] == "Failed" {
                return Err(Trouble(format!("it failed: {}", row["why"])));
            }
            Ok(if wanted(&row) {
                wait::Look::Yes(row)
            } else {
                wait::Look::NotYet(format!("{} {}", row["state"], row["why"]))
            })
        })
    }

    /// What two clips get of the line in the same while, in bytes.
    ///
    /// # Errors
    /// One of them is not there.
    pub fn shares(&self, (a, b): (&str, &str), during: Duration) -> Done<(u64, u64)> {
        let before = (self.came(a)?, self.came(b)?);
        thread::sleep(during);
        let after = (self.came(a)?, self.came(b)?);
        Ok((
            after.0.saturating_sub(before.0),
            after.1.saturating_sub(before.1),
        ))
    }

    /// Somebody looks at footage: the box puts that on its log and signs a head, and the hub asks for nothing before it has countersigned it.
    /// How long the order and all of that took, and how long of it the head waited for its countersignature to be back at the box.
    ///
    /// # Errors
    /// It was refused, or no head was signed, or one was not countersigned.
    pub fn countersigned(&self, (r#box, cam, from, to): Stretch<'_>) -> Done<(Duration, Duration)> {
        let asked = json!({
            "box": r#box, "cam": cam, "from": from, "to": to, "purpose": "Where the van went", "reference": "CRIME-26-000417",
        });
        let before = head(self.town, "head.note");
        let began = Instant::now();
        let (mut newest, mut longest) = (before, Duration::ZERO);
        let mut open: Vec<(u64, Instant)> = Vec::new();
        thread::scope(|scope| {
            let look = scope.spawn(|| self.post("/looks", asked).map(|_| began.elapsed()));
            while !look.is_finished() || !open.is_empty() {
                let (signed, done) = (
                    head(self.town, "head.note"),
                    head(self.town, "cosigned.note"),
                );
                if signed > newest {
                    newest = signed;
                    open.push((signed, Instant::now()));
                }
                open.retain(|(size, at)| {
                    if done >= *size {
                        longest = longest.max(at.elapsed());
                    }
                    done < *size
                });
                if began.elapsed() > Duration::from_secs(60) {
                    return Err(Trouble(format!("{open:?} are not countersigned")));
                }
                thread::sleep(Duration::from_millis(5));
            }
            let looked = look.join().map_err(|_| Trouble::new("the look"))??;
            match newest > before {
                true => Ok((looked, longest)),
                false => Err(Trouble::new("no head was signed")),
            }
        })
    }

    /// How long an order that is for now takes from the asking until the hub has the box's answer: a hold of a span.
    ///
    /// # Errors
    /// It was refused.
    pub fn obeyed(&self, (r#box, cam, from, to): Stretch<'_>) -> Done<Duration> {
        let asked = json!({
            "box": r#box, "cam": cam, "t0": from, "t1": to, "until": null, "days": 20, "review": null,
            "reason": "robbery", "authority": "PACE s19", "reference": "CR/1",
        });
        let began = Instant::now();
        let made = self.post("/holds", asked)?;
        let hold = made["hold"].as_str().unwrap_or_default();
        wait::until("the hold is placed", 30, || {
            let row = self
                .line
                .at_hub(|| self.person.get(&format!("/holds/{hold}")))?;
            Ok(row["state"] == "placed")
        })?;
        Ok(began.elapsed())
    }

    /// What a transfer of others gets over the line beside clips, in Mbit/s.
    ///
    /// # Errors
    /// It broke off.
    pub fn beside(&self, bytes: usize) -> Done<f64> {
        let took = self.line.tcp(bytes, "bbr").told("TCP beside clips")?;
        Ok(bytes as f64 * 8e-6 / took.as_secs_f64())
    }
}

/// The size of the log that a head in its folder is of.
fn head(town: &Town, file: &str) -> u64 {
    let text = fs::read_to_string(town.log().join(file)).unwrap_or_default();
    let size = text.lines().nth(1).and_then(|n| n.parse().ok());
    size.unwrap_or(0)
}

/// Why a clip waits.
pub fn waits_for(row: &Value) -> &str {
    row["reasons"][0]["code"].as_str().unwrap_or_default()
}
