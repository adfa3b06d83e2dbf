//! Pure. K8: logins that are right, asked for in other ways; and one that is wrong.
use crate::quirks::rig::{Case, case, login::Login};

fn login() -> Login {
    Login::new("admin", "Passw0rd!")
}

const DIGEST: &str = "Digest realm=\"{realm}\", nonce=\"{nonce}\"";

pub fn cases() -> Vec<Case> {
    vec![
        case("digest-plain", "K8", &[], "A Digest login without quirks")
            .login(login().offers(DIGEST)),
        case(
            "nonce-per-request",
            "K8",
            &["AlexxIT/go2rtc/pull/2344", "curl/curl#2136"],
            "Each nonce is good for one request; a second 401 brings the next",
        )
        .login(
            login()
                .offers(DIGEST)
                .good_for(1)
                .stale(&format!("{DIGEST}, stale=true")),
        ),
        case(
            "nonce-per-request-not-stale",
            "K8",
            &["AlexxIT/go2rtc/pull/2344"],
            "The same, without a word that the nonce was stale",
        )
        .login(login().offers(DIGEST).good_for(1)),
        case(
            "nonce-for-three-requests",
            "K8",
            &["ngraziano/SharpRTSP#126"],
            "A nonce goes stale after three requests, keepalives among them",
        )
        .login(
            login()
                .offers(&format!("{DIGEST}, qop=\"auth\""))
                .good_for(3)
                .stale(&format!("{DIGEST}, qop=\"auth\", stale=\"TRUE\"")),
        )
        .script(|s| s.timeout = 12)
        .secs(45),
        case(
            "digest-md5-small-letters",
            "K8",
            &["RFC 7616"],
            "algorithm=md5 in small letters, which the answer has to give back",
        )
        .login(
            login()
                .offers(&format!("{DIGEST}, algorithm=md5"))
                .must_name("md5"),
        ),
        case(
            "digest-sha256-named",
            "K8",
            &["AlexxIT/go2rtc/pull/2344", "RFC 7616"],
            "SHA-256, which the answer has to name",
        )
        .login(
            login()
                .offers(&format!("{DIGEST}, algorithm=SHA-256"))
                .must_name("SHA-256"),
        ),
        case(
            "digest-sha256-only",
            "K8",
            &["AlexxIT/go2rtc/pull/2344"],
            "SHA-256 only, a realm with brackets, stale in capitals (Hikvision by others)",
        )
        .login(
            login()
                .realm("IP Camera(GH455)")
                .offers(&format!("{DIGEST}, algorithm=\"SHA-256\", stale=\"FALSE\"")),
        ),
        case(
            "digest-two-offers",
            "K8",
            &["ngraziano/SharpRTSP#153", "AlexxIT/go2rtc/pull/2451"],
            "SHA-256 and MD5 in two headers",
        )
        .login(
            login()
                .offers(&format!("{DIGEST}, algorithm=SHA-256, qop=\"auth\""))
                .offers(&format!("{DIGEST}, algorithm=MD5, qop=\"auth\"")),
        ),
        case(
            "digest-after-basic",
            "K8",
            &["google/ExoPlayer#9800"],
            "Basic is offered before Digest",
        )
        .login(login().offers("Basic realm=\"{realm}\"").offers(DIGEST)),
        case("digest-no-quotes", "K8", &[], "A challenge without quotes").login(
            login()
                .realm("IPCamera")
                .offers("Digest realm={realm}, nonce={nonce}"),
        ),
        case(
            "password-odd-letters",
            "K8",
            &[
                "bluenviron/mediamtx#2069",
                "opencv/opencv-python#848",
                "AlexxIT/go2rtc#1208",
            ],
            "A password with @ : / # % and blanks",
        )
        .login(Login::new("admin", "P@ss:w/o#r d%0X\"^").offers(DIGEST)),
        case(
            "basic-not-allowed",
            "K8",
            &["bluenviron/mediamtx#2069"],
            "Offers Basic only, which shows the password to whoever listens",
        )
        .login(login().offers("Basic realm=\"{realm}\""))
        .remedy("Turn Digest on in the camera, or allow Basic for it in the configuration.")
        .nothing(&["camera.login"], &["login"]),
        case(
            "basic-allowed",
            "K8",
            &["bluenviron/mediamtx#2069"],
            "Offers Basic only, and the configuration allows it (`basic = true`)",
        )
        .login(login().offers("Basic realm=\"{realm}\""))
        .told(|t| t.lines = &["basic = true"]),
        case("password-wrong", "K8", &[], "The password is wrong")
            .login(login().offers(DIGEST))
            .told(|t| t.login = Some(("admin", "another")))
            .remedy("Correct the password in the camera's password file.")
            .nothing(&["camera.password"], &["password"])
            // Two tries of the box's, and one of the doctor's.
            .expect(|e| e.refused = 3),
    ]
}
