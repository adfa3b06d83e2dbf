//! Task. What comes to the door of staff: forms that never end, guesses at passwords, pages that nobody waits for.
use std::time::{Duration, Instant};

use beadle_tests::{Done, Told, Trouble};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::{JoinSet, LocalSet},
};

use super::{
    NAME, hello,
    line::{ATTACKERS, Doors, Identity, STAFF, TOWNS, control, fresh},
};

/// Two people who watch clips.
pub const OPERATORS: [&str; 2] = ["pat", "pam"];
pub const PASSWORD: &str = "a horse of their own";
/// Whoever is owed a page has it by then.
const PROMPT: Duration = Duration::from_secs(3);
/// The hub gives a form ten seconds.
const FORM: Duration = Duration::from_secs(20);

/// V7: forms that say they are long and come a byte at a time, from the address that staff come from too. Each is over after its time and told so, however
/// many bytes come; those that were displaced are over before.
pub async fn slow_forms(doors: Doors) -> Done<()> {
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nHost: {NAME}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\nform="
    );
    let all = LocalSet::new();
    let told = all
        .run_until(async {
            let mut forms = JoinSet::new();
            for n in 0..200 {
                let (doors, head) = (doors.clone(), head.clone());
                // Some from where nobody else comes from: nobody displaces those.
                let from = [STAFF, ATTACKERS, ATTACKERS, ATTACKERS, fresh(11)][n % 5];
                forms.spawn_local(async move {
                    let mut tls = doors.connect(from).await?;
                    tls.write_all(head.as_bytes()).await?;
                    let (mut read, mut write) = tokio::io::split(tls);
                    let mut answer = Vec::new();
                    let drip = async {
                        while write.write_all(b"x").await.is_ok() && write.flush().await.is_ok() {
                            tokio::time::sleep(Duration::from_millis(500)).await;
                        }
                        std::future::pending::<()>().await;
                    };
                    let end = tokio::time::timeout(FORM, read.read_to_end(&mut answer));
                    tokio::select! {
                        () = drip => {}
                        end = end => drop(end.map_err(|_| std::io::Error::other("it is not over"))?),
                    }
                    std::io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
                });
            }
            forms.join_all().await
        })
        .await;
    let mut refused = 0;
    for answer in told {
        match answer {
            Ok(answer) if answer.starts_with("HTTP/1.1 408 ") => {
                assert!(answer.contains("Nothing was done"), "{answer}");
                refused += 1;
            }
            // Displaced, by goodbye or without one.
            Ok(answer) => assert_eq!(answer, ""),
            Err(e) => assert_ne!(e.to_string(), "it is not over"),
        }
    }
    assert!(refused > 0, "none was told that it took too long");
    Ok(())
}

fn cookie(page: &str, name: &str) -> Done<String> {
    let value = page
        .lines()
        .filter_map(|l| l.split_once(": ")?.1.strip_prefix(name)?.strip_prefix('='))
        .find_map(|rest| rest.split(';').next());
    let value = value.ok_or_else(|| Trouble(format!("no {name}: {page}")))?;
    Ok(format!("{name}={value}"))
}

async fn signed_in(doors: &Doors, name: &str) -> Done<String> {
    let page = doors.sign_in(STAFF, name, PASSWORD).await?;
    assert!(page.starts_with("HTTP/1.1 303 "), "{name}: {page}");
    Ok(page)
}

/// V8: somebody guesses passwords, of names that are there and of one that is not: the same words, however fast; the right password is not
/// among them. Whoever signed in before is in at once meanwhile, from where it was and in the browser in which it was.
pub async fn wrong_passwords(doors: Doors, password: String) -> Done<()> {
    let page = doors.sign_in(STAFF, "manager", &password).await?;
    assert!(page.contains("Your second factor"), "{page}");
    let owner = cookie(&signed_in(&doors, "pat").await?, "__Host-beadle-browser")?;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    let body = |page: String, name: &str| {
        let (head, body) = page.split_once("\r\n\r\n").unwrap_or_default();
        let status = head
            .split_whitespace()
            .nth(1)
            .unwrap_or_default()
            .to_owned();
        (status, body.replace(name, "NAME"))
    };
    for _ in 0..3 {
        let page = doors.sign_in(ATTACKERS, "manager", "wrong").await?;
        known.push(body(page, "manager"));
        let page = doors.sign_in(ATTACKERS, "nobody", "wrong").await?;
        unknown.push(body(page, "nobody"));
    }
    assert_eq!(known.first(), unknown.first());
    let all = LocalSet::new();
    all.run_until(async {
        let mut guesses = JoinSet::new();
        for n in 0..48 {
            let doors = doors.clone();
            guesses.spawn_local(async move {
                let name = ["manager", "nobody", "pat", "pat"][n % 4];
                for _ in 0..10 {
                    let page = doors.sign_in(ATTACKERS, name, "wrong").await;
                    let in_ = |p: &String| p.contains("second factor") || p.contains(" 303 ");
                    assert!(!page.is_ok_and(|p| in_(&p)), "{name} is in");
                }
            });
        }
        // They are at it.
        tokio::time::sleep(Duration::from_secs(1)).await;
        for (from, browser) in [(STAFF, ""), (fresh(7), owner.as_str())] {
            let at = Instant::now();
            let page = doors.sign_in_with(from, "pat", PASSWORD, browser);
            let page = tokio::time::timeout(PROMPT, page).await;
            let page = page.map_err(|_| {
                Trouble(format!(
                    "its owner waits longer than {PROMPT:?}, from {from}"
                ))
            })??;
            assert!(page.starts_with("HTTP/1.1 303 "), "from {from}: {page}");
            println!(
                "         its owner is in after {} ms",
                at.elapsed().as_millis()
            );
        }
        guesses.shutdown().await;
        Done::Ok(())
    })
    .await
}

/// V10: a box that has as many cameras as it may, and somebody signed in who asks for what is to be told of them, again and again, and
/// goes away each time. Another person's page is there at once.
pub async fn abandoned(doors: Doors, who: Identity) -> Done<()> {
    let line = doors.dial(TOWNS, Some(&who)).await?;
    let all = hello("evil", |h| {
        let all = (0..256)
            .map(|k| json!({"cam": format!("c{k}"), "title": "t".repeat(120), "masked": false}));
        h["cameras"] = all.collect::<Vec<_>>().into();
    });
    let _control = control(&line, &all).await?;
    let pat = cookie(&signed_in(&doors, "pat").await?, "__Host-beadle")?;
    let pam = cookie(&signed_in(&doors, "pam").await?, "__Host-beadle")?;
    let asked = LocalSet::new();
    asked
        .run_until(async {
            let mut asking = JoinSet::new();
            for n in 0..240 {
                let (doors, pat) = (doors.clone(), pat.clone());
                asking.spawn_local(async move {
                    let path = ["/", "/retention", "/masks", "/api/v1/boxes"][n % 4];
                    doors.ask_and_go(fresh(n as u8), path, &pat).await
                });
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
            for path in ["/", "/retention"] {
                let page = tokio::time::timeout(PROMPT, doors.get(STAFF, path, &pam)).await;
                let page = page.map_err(|_| {
                    Trouble(format!(
                        "{path} takes another person longer than {PROMPT:?}"
                    ))
                })??;
                assert!(page.starts_with("HTTP/1.1 200 "), "{path}: {page}");
            }
            let asked = asking.join_all().await;
            let went = asked.iter().filter(|a| a.is_ok()).count();
            assert!(went > 100, "{went} asked");
            Done::Ok(())
        })
        .await
        .told("pages that nobody waits for")
}
