//! Pure. K13: cameras that want name and password in the address. They stay in the password file.
use crate::quirks::rig::{Case, case, talk::Answer};

/// The camera plays this address, and answers 404 for any other.
fn at(case: Case, path: &'static str, wanted: &'static str) -> Case {
    case.told(|t| {
        t.path = path;
        t.login = Some(("admin", "tlJwpbo6"));
    })
    .replies(move |_, request, answer| {
        if request.is("DESCRIBE") && !request.url.ends_with(wanted) {
            Answer::of("404 Not Found").into()
        } else {
            answer.into()
        }
    })
}

pub fn cases() -> Vec<Case> {
    vec![
        at(
            case(
                "address-xmeye",
                "K13",
                &["scottlamb/moonfire-nvr#302", "ZoneMinder/zoneminder#3058"],
                "Name and password are wanted in the path (XMeye and kin)",
            ),
            "user={username}_password={password}_channel=1_stream=0.sdp?real_stream",
            "/user=admin_password=tlJwpbo6_channel=1_stream=0.sdp?real_stream",
        ),
        at(
            case(
                "address-query",
                "K13",
                &["ZoneMinder/zoneminder#3058"],
                "Name and password are wanted in the query",
            ),
            "user={username}&password={password}&channel=1&stream=0.sdp",
            "/user=admin&password=tlJwpbo6&channel=1&stream=0.sdp",
        ),
        at(
            case(
                "address-psw",
                "K13",
                &["ZoneMinder/zoneminder#3058"],
                "The same by other names",
            ),
            "live?usr={username}&psw={password}",
            "/live?usr=admin&psw=tlJwpbo6",
        ),
    ]
}
