//! Signing in to AYON, and changing one field of an addon: what a real server answers (its recordings), from a
//! server on loopback. `tests/peer/test_addon.py` does the same with the stand-in.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeSet;

use studiolink::domain::addon::{AddonAt, AddonField, AddonFields};
use studiolink::domain::ayon::Variant;
use studiolink::resources::AyonUserKey;
use studiolink::world::{CallLog, Record, ayon};
use url::Url;
use wiremock::ResponseTemplate;

mod web;

use web::Web;

const INFO: &str = r#"{"motd":null,"version":"1.15.18"}"#;

type Answer = fn(&str) -> (u16, &'static str);

/// The addon's place in the recordings.
fn at(url: &Url, variant: Variant, project: Option<&str>) -> AddonAt {
    AddonAt {
        server: url.clone(),
        variant,
        version: "0.3.0".to_owned(),
        project: project.map(str::to_owned),
    }
}

fn serve(answer: Answer) -> (Url, Web) {
    let server = web::serve(move |request| {
        let line = web::first_line(request);
        let (status, body) = match answer(&line) {
            // What every AYON says to everybody, unless the test says otherwise.
            (200 | 403 | 503, _) if line.starts_with("GET /api/info") => (200, INFO),
            other => other,
        };
        ResponseTemplate::new(status).set_body_raw(body, "application/json")
    });
    (server.url.parse().unwrap(), server)
}

async fn log_in(answer: Answer) -> (Result<String, (String, String)>, CallLog, String) {
    let (url, seen) = serve(answer);
    let log = CallLog::default();
    let client = ayon::client(false).unwrap();
    let password = SecretString::from("correct horse".to_owned());
    let signed = ayon::log_in(&Record::new(&log), &client, &url, "mia", &password).await;
    let asked: Vec<String> = seen
        .asked()
        .iter()
        .map(|r| {
            let body = String::from_utf8_lossy(&r.body);
            format!("{} {:?} {body}", web::first_line(r), r.headers)
        })
        .collect();
    let asked = asked.join("\n");
    let said = signed
        .map(|token| token.expose_secret().to_owned())
        .map_err(|p| (p.because, p.fix));
    (said, log, asked)
}

#[tokio::test]
async fn a_name_and_a_password_become_a_session_and_neither_is_logged() {
    let (token, log, asked) = log_in(|_| {
        (200, r#"{"detail":"Logged in","token":"0123456789abcdef","user":{"data":{"password":"HASH:SALT"}}}"#)
    })
    .await;
    assert_eq!(token.unwrap(), "0123456789abcdef");
    let (info, login) = asked.split_once('\n').unwrap();
    assert!(info.starts_with("GET /api/info") && !info.contains("correct horse"));
    assert!(login.starts_with("POST /api/auth/login") && login.contains("correct horse"));
    let lines = format!("{:?}", log.recent(9));
    for secret in ["correct horse", "0123456789abcdef", "HASH"] {
        assert!(!lines.contains(secret), "{lines}");
    }
}

#[tokio::test]
async fn each_refusal_of_a_login_has_its_own_words() {
    let wrong: Answer = |_| {
        (
            403,
            r#"{"code":403,"detail":"Invalid login/password combination"}"#,
        )
    };
    let (because, _) = log_in(wrong).await.0.unwrap_err();
    assert!(
        because.contains("name and password are not accepted"),
        "{because}"
    );
    let locked: Answer = |_| {
        (
            403,
            r#"{"code":403,"detail":"Too many failed login attempts"}"#,
        )
    };
    let (because, fix) = log_in(locked).await.0.unwrap_err();
    assert!(
        because.contains("Too many failed") && fix.contains("ten minutes"),
        "{because} {fix}"
    );
    let busy: Answer = |_| (503, r#"{"code":503,"detail":"Too many requests"}"#);
    let (because, _) = log_in(busy).await.0.unwrap_err();
    assert!(because.contains("ten logins a minute"), "{because}");
}

#[tokio::test]
async fn a_key_of_a_service_user_or_an_artist_is_not_an_administrators() {
    let cases: [(Answer, bool); 4] = [
        (|_| (200, r#"{"name":"a","data":{"isAdmin":true}}"#), true),
        (|_| (200, r#"{"name":"a","data":{"isManager":true}}"#), true),
        (
            |_| {
                (
                    200,
                    r#"{"name":"a","data":{"isService":true,"isAdmin":true}}"#,
                )
            },
            false,
        ),
        (|_| (200, r#"{"name":"a","data":{}}"#), false),
    ];
    for (answer, may) in cases {
        let (url, _server) = serve(answer);
        let client = ayon::client(false).unwrap();
        let key = SecretString::from("k".to_owned());
        let tried = ayon::try_admin(&Record::new(&CallLog::default()), &client, &url, &key).await;
        assert_eq!(tried.is_ok(), may);
    }
}

#[tokio::test]
async fn a_manager_who_may_not_read_the_difference_reads_the_list_of_overrides() {
    let (url, _server) = serve(|line| match line {
        l if l.contains("/rawOverrides") => (403, r#"{"code":403,"detail":"Forbidden"}"#),
        // As recorded: the keys are AYON's own, the path is the field's; a field of a group is another one.
        l if l.contains("/overrides") && l.contains("production") => (
            200,
            r#"{"root_farm_id":{"path":["farm_id"],"value":"f","level":"studio","inGroup":null},
                "root_conda_channels":{"path":["conda_channels"],"value":"deadline-cloud","level":"studio","inGroup":null}}"#,
        ),
        l if l.contains("/overrides") => (
            200,
            r#"{"root_farm_id":{"path":["farm_id"],"value":"f","level":"studio","inGroup":null},
                "root_x_0_conda_channels":{"path":["x","0","conda_channels"],"level":"studio","inGroup":["x"]}}"#,
        ),
        _ => (200, r#"{"conda_channels":"deadline-cloud","farm_id":"f"}"#),
    });
    let client = ayon::client(false).unwrap();
    let key = SecretString::from("k".to_owned());
    let record = Record::new(&CallLog::default());
    for (variant, is_own) in [(Variant::Production, true), (Variant::Staging, false)] {
        let fact = ayon::look_own(&record, &client, &at(&url, variant, None), &key).await;
        let own = fact.known().unwrap();
        assert_eq!(own.values[&AddonField::Channels], "deadline-cloud");
        assert_eq!(
            own.own.contains(&AddonField::Channels),
            is_own,
            "{variant:?}"
        );
        assert!(own.own.contains(&AddonField::Farm));
    }
}

/// Strangers that a key or a password must not reach: a sign-in page, another service's JSON, a redirect.
#[tokio::test]
async fn nothing_secret_is_sent_before_the_server_has_shown_itself_to_be_ayon() {
    let strangers: [Answer; 4] = [
        |_| (302, ""),
        |_| (404, "no"),
        |l| {
            if l.contains("/api/info") {
                (201, "<html>sign in</html>")
            } else {
                (200, "{}")
            }
        },
        |l| {
            if l.contains("/api/info") {
                (201, r#"{"name":"another service"}"#)
            } else {
                (200, "{}")
            }
        },
    ];
    for answer in strangers {
        let (said, _, asked) = log_in(answer).await;
        assert!(
            !asked.contains("correct horse") && !asked.contains("POST"),
            "{asked}"
        );
        let (because, _) = said.unwrap_err();
        assert!(because.contains("nothing was sent, because"), "{because}");
        let (url, server) = serve(answer);
        let client = ayon::client(false).unwrap();
        let key = SecretString::from("canary-key".to_owned());
        let record = Record::new(&CallLog::default());
        assert!(ayon::try_key(&record, &client, &url, &key).await.is_err());
        let bundles = ayon::look_bundles(&record, &client, &url, &key).await;
        assert!(bundles.problem().is_some());
        let sent = server
            .asked()
            .iter()
            .any(|r| format!("{:?}", r.headers).contains("canary-key"));
        assert!(!sent, "the key reached a stranger");
        let lines = server.lines();
        assert!(lines.iter().all(|l| l == "GET /api/info"), "{lines:?}");
    }
}

#[tokio::test]
async fn a_key_does_not_cross_public_networks_in_the_clear() {
    let key = SecretString::from("k".to_owned());
    let record = Record::new(&CallLog::default());
    let client = ayon::client(false).unwrap();
    // TEST-NET-1: nobody is there, and nothing is sent.
    let url: Url = "http://192.0.2.1:5000".parse().unwrap();
    let refused = ayon::try_key(&record, &client, &url, &key)
        .await
        .unwrap_err();
    assert!(
        refused.because.contains("public address"),
        "{}",
        refused.because
    );
    assert!(refused.fix.contains("--allow-http"), "{}", refused.fix);
}

#[tokio::test]
async fn the_whole_object_is_sent_and_a_default_is_unpinned_again() {
    let (url, seen) = serve(|line| {
        if line.starts_with("POST") {
            (204, "")
        } else {
            (
                200,
                r#"{"conda_channels":"old","farm_id":"f","extra_job_parameters":[{"name":"Priority"}]}"#,
            )
        }
    });
    let client = ayon::client(false).unwrap();
    let key = SecretString::from("k".to_owned());
    let record = Record::new(&CallLog::default());
    for (channels, overridden) in [("new list", true), ("deadline-cloud", false)] {
        let then = AddonFields::of([(AddonField::Channels, channels.into())], overridden);
        let at = at(&url, Variant::Production, None);
        let done = ayon::change_own(&record, &client, &at, &key, &then);
        done.await.unwrap();
        let last = seen.asked().pop().unwrap();
        let body: serde_json::Value = last.body_json().unwrap();
        assert_eq!(body["conda_channels"], channels);
        assert_eq!(
            (&body["farm_id"], &body["extra_job_parameters"][0]["name"]),
            (&"f".into(), &"Priority".into())
        );
        assert_eq!(body.get("__unpinned_fields__").is_none(), overridden);
    }
}

/// As recorded of a real server, and by its source where nothing was recorded.
#[tokio::test]
async fn each_refusal_of_a_key_has_its_own_words() {
    let cases: [(Answer, &str, &str); 6] = [
        (
            |_| (401, r#"{"code":401,"detail":"Invalid API key"}"#),
            "mistyped, deleted or has expired",
            "check the key",
        ),
        (
            |_| (401, r#"{"code":401,"detail":"Invalid session"}"#),
            "for a minute after a refused try",
            "wait a minute",
        ),
        (
            |_| (401, r#"{"code":401,"detail":"User is not active"}"#),
            "switched off",
            "activate the user",
        ),
        (
            |_| (401, r#"{"code":401,"detail":"Access token is missing"}"#),
            "takes the header X-Api-Key out",
            "pass X-Api-Key on",
        ),
        (
            |_| (401, r#"{"code":401,"detail":"Something new"}"#),
            "Something new",
            "check the key",
        ),
        (
            |_| (403, r#"{"code":403,"detail":"Forbidden"}"#),
            "403 to the worker's key: Forbidden",
            "a service user",
        ),
    ];
    for (answer, because, fix) in cases {
        let (url, _server) = serve_all(answer);
        let client = ayon::client(false).unwrap();
        let key = SecretString::from("k".to_owned());
        let record = Record::new(&CallLog::default());
        let refused = ayon::try_key(&record, &client, &url, &key)
            .await
            .unwrap_err();
        assert!(refused.because.contains(because), "{}", refused.because);
        assert!(refused.fix.contains(fix), "{}", refused.fix);
        assert!(
            !refused.because.contains("administrator"),
            "{}",
            refused.because
        );
    }
}

/// As `serve`, for answers that are refusals of everything but `/api/info`.
fn serve_all(answer: Answer) -> (Url, Web) {
    let server = web::serve(move |request| {
        let line = web::first_line(request);
        let (status, body) = if line.starts_with("GET /api/info") {
            (200, INFO)
        } else {
            answer(&line)
        };
        ResponseTemplate::new(status).set_body_raw(body, "application/json")
    });
    (server.url.parse().unwrap(), server)
}

#[tokio::test]
async fn settings_that_are_frozen_are_for_people_to_paste() {
    let (url, _server) = serve_all(|line| {
        if line.starts_with("POST") {
            (403, r#"{"code":403,"detail":"Forbidden"}"#)
        } else {
            (200, r#"{"conda_channels":"old"}"#)
        }
    });
    let client = ayon::client(false).unwrap();
    let key = SecretString::from("k".to_owned());
    let record = Record::new(&CallLog::default());
    let change = async |channels: &str, overridden| {
        let then = AddonFields::of([(AddonField::Channels, channels.into())], overridden);
        let at = at(&url, Variant::Production, None);
        let done = ayon::change_own(&record, &client, &at, &key, &then);
        done.await.unwrap_err()
    };
    let refused = change("a b", true).await;
    assert!(
        refused.because.contains("to the administrator's login"),
        "{}",
        refused.because
    );
    assert!(refused.because.contains("frozen"), "{}", refused.because);
    assert!(!refused.fix.contains("service user"), "{}", refused.fix);
    let pasted = "conda_channels of deadline_cloud 0.3.0 (production) there: a b";
    assert!(refused.fix.ends_with(pasted), "{}", refused.fix);
    // What the studio had not set is not to be pasted: it would be pinned.
    let refused = change("old", false).await;
    assert!(
        refused.fix.contains("unpin conda_channels"),
        "{}",
        refused.fix
    );
}

#[tokio::test]
async fn a_session_is_closed_as_such() {
    let (url, seen) = serve_all(|_| (200, r#"{"detail":"Logged out"}"#));
    let client = ayon::client(false).unwrap();
    let record = Record::new(&CallLog::default());
    let token = SecretString::from("canary-token".to_owned());
    ayon::log_out(&record, &client, &url, &token).await.unwrap();
    let asked = seen.asked();
    let last = asked.last().unwrap();
    assert_eq!(web::first_line(last), "POST /api/auth/logout HTTP/1.1");
    assert_eq!(last.headers["authorization"], "Bearer canary-token");
    assert!(!last.headers.contains_key("x-api-key"));
    let lines = format!("{:?}", record.taken());
    assert!(!lines.contains("canary-token"), "{lines}");
}

/// What AYON 1.15.18 answered (`ayon-recordings` 018, 050 to 057): a user who never had a labelled key has no list, and a
/// POST is then an error of the server.
#[tokio::test]
async fn a_first_key_gets_its_list_first_and_is_in_no_line_of_the_log() {
    let (url, server) = serve(|line| match line {
        l if l.starts_with("GET /api/users/has_one") => (
            200,
            r#"{"name":"has_one","data":{"apiKeys":[{"id":"61bb2e32e7ca11f1aefd02fc00000001","key":"HASH","label":"render","created":1795499183.4,"preview":"01***cd"}],"isService":true},"active":true}"#,
        ),
        l if l.starts_with("GET /api/users/") => (
            200,
            r#"{"name":"svc_farm","attrib":{"fullName":"Farm service"},"data":{"apiKey":"HASH","createdBy":"admin","isService":true,"apiKeyPreview":"P"},"active":true}"#,
        ),
        l if l.starts_with("PATCH") => (204, ""),
        _ => (200, "null"),
    });
    let client = ayon::client(false).unwrap();
    let admin = SecretString::from("admin-canary".to_owned());
    let key = SecretString::from("0123456789abcdef0123456789abcdef".to_owned());
    let log = CallLog::default();
    let record = Record::new(&log);
    for user in ["svc_farm", "has_one"] {
        let resource = AyonUserKey {
            server: url.clone(),
            user: user.to_owned(),
            label: "studiolink 2026-11-30".to_owned(),
        };
        ayon::make_key(&record, &client, &admin, &resource, &key)
            .await
            .unwrap();
    }
    let lines: Vec<String> = server.lines();
    let expected = [
        "GET /api/info",
        "GET /api/users/svc_farm",
        "PATCH /api/users/svc_farm",
        "POST /api/users/svc_farm/apikeys",
        "GET /api/users/has_one",
        "POST /api/users/has_one/apikeys",
    ];
    assert_eq!(lines, expected);
    let bodies: Vec<serde_json::Value> = server
        .asked()
        .iter()
        .filter(|r| !r.body.is_empty())
        .map(|r| r.body_json().unwrap())
        .collect();
    assert_eq!(bodies[0], serde_json::json!({ "data": { "apiKeys": [] } }));
    assert_eq!(bodies[1]["expires"], serde_json::Value::Null);
    let fact = ayon::look_user(&record, &client, &url, &admin, "has_one").await;
    let user = fact.known().unwrap();
    assert!(user.service && user.active && !user.own_key);
    assert_eq!(user.keys[0].label.raw(), "render");
    let kept = format!("{:?} {user:?}", log.recent(20));
    for secret in ["0123456789abcdef", "admin-canary", "HASH", "01***cd"] {
        assert!(!kept.contains(secret), "{secret}: {kept}");
    }
    let gone = AyonUserKey {
        server: url.clone(),
        user: "has_one".to_owned(),
        label: "render".to_owned(),
    };
    ayon::delete_key(&record, &client, &admin, &gone)
        .await
        .unwrap();
    let last = server.lines().pop().unwrap();
    assert_eq!(
        last,
        "DELETE /api/users/has_one/apikeys/61bb2e32e7ca11f1aefd02fc00000001"
    );
}

const STAGING: &str = r#"{"farm_id":"farm-staging","queue_id":"","conda_packages":"","conda_channels":"","extra_job_parameters":[{"name":"Priority","value":"10"}],"publish_host_requirement_roles":["publish"],"render_host_requirement_roles":["render"]}"#;

#[tokio::test]
async fn of_farm_and_queue_it_is_told_which_the_studio_has_set_to_administrators_and_managers() {
    let as_administrator: Answer = |line| {
        if line.contains("/rawOverrides?variant=staging") {
            (
                200,
                r#"{"farm_id":"farm-staging","extra_job_parameters":[{"name":"Priority","value":"10"}]}"#,
            )
        } else {
            (200, STAGING)
        }
    };
    let as_manager: Answer = |line| {
        if line.contains("/rawOverrides?") {
            (
                403,
                r#"{"code":403,"detail":"You are not allowed to use low-level API"}"#,
            )
        } else if line.contains("/overrides?variant=staging") {
            (
                200,
                r#"{"root_farm_id":{"path":["farm_id"],"value":"farm-staging","level":"studio","inGroup":null,"scope":["studio","project"]}}"#,
            )
        } else {
            (200, STAGING)
        }
    };
    for answer in [as_administrator, as_manager] {
        let (url, _seen) = serve(answer);
        let (log, client) = (CallLog::default(), ayon::client(false).unwrap());
        let key = SecretString::from("T".repeat(64));
        let at = at(&url, Variant::Staging, None);
        let fact = ayon::look_own(&Record::new(&log), &client, &at, &key).await;
        let own = fact.known().unwrap();
        assert_eq!(own.values[&AddonField::Farm], "farm-staging");
        assert_eq!(own.values[&AddonField::Queue], "");
        let target = own.only(&[AddonField::Farm, AddonField::Queue]);
        assert_eq!(target.own, BTreeSet::from([AddonField::Farm]));
    }
}

#[tokio::test]
async fn a_target_is_changed_in_the_whole_object_and_what_was_a_default_is_unpinned_again() {
    for (overridden, unpinned) in [
        (vec![AddonField::Farm, AddonField::Queue], None),
        (vec![AddonField::Farm], Some(r#"[["queue_id"]]"#)),
    ] {
        let (url, seen) = serve(|line| {
            if line.starts_with("POST") {
                (204, "")
            } else {
                (200, STAGING)
            }
        });
        let (log, client) = (CallLog::default(), ayon::client(false).unwrap());
        let key = SecretString::from("T".repeat(64));
        let target = [
            (AddonField::Farm, "farm-1".into()),
            (AddonField::Queue, "queue-1".into()),
        ];
        let mut then = AddonFields::of(target, false);
        then.own.extend(overridden);
        let at = at(&url, Variant::Staging, None);
        let record = Record::new(&log);
        let done = ayon::change_own(&record, &client, &at, &key, &then);
        done.await.unwrap();
        let asked = seen.asked();
        let posted = asked
            .iter()
            .find(|r| web::first_line(r).starts_with("POST"))
            .unwrap();
        let body: serde_json::Value = serde_json::from_slice(&posted.body).unwrap();
        assert_eq!(
            (&body["farm_id"], &body["queue_id"]),
            (&"farm-1".into(), &"queue-1".into())
        );
        assert_eq!(
            body["extra_job_parameters"][0]["value"], "10",
            "the rest stays"
        );
        let fields = body.get("__unpinned_fields__").map(ToString::to_string);
        assert_eq!(fields.as_deref(), unpinned);
    }
}

/// Recordings 190, 192 and 194: a project whose queue is its own, the rest the studio's.
const PROJECT: &str = r#"{"farm_id":"farm-0123456789abcdef0123456789abcdef","queue_id":"queue-demo-show","conda_packages":"blender=4.2.* python=3.11","conda_channels":"deadline-cloud conda-forge","extra_job_parameters":[{"name":"Priority","value":"60"},{"name":"Department","value":"lighting"}],"publish_host_requirement_roles":["publish","ingest"],"render_host_requirement_roles":["render"]}"#;
const PROJECT_OVERRIDES: &str = r#"{"root_farm_id":{"path":["farm_id"],"value":"farm-0123456789abcdef0123456789abcdef","level":"studio","inGroup":null,"scope":["studio","project"]},"root_queue_id":{"path":["queue_id"],"value":"queue-demo-show","level":"project","inGroup":null,"scope":["studio","project"]},"root_conda_channels":{"path":["conda_channels"],"value":"deadline-cloud conda-forge","level":"studio","inGroup":null,"scope":["studio","project"]},"root_extra_job_parameters_0_name":{"path":["extra_job_parameters","0","name"],"value":"Priority","level":"studio","inGroup":["extra_job_parameters"],"scope":["studio","project"]}}"#;

#[tokio::test]
async fn of_a_project_what_the_studio_has_set_is_not_its_own() {
    // An administrator reads the stored difference, a manager the list, where each row names its level.
    let as_administrator: Answer = |line| {
        if line.contains("/rawOverrides/demo_show?variant=production") {
            (200, r#"{"queue_id":"queue-demo-show"}"#)
        } else {
            (200, PROJECT)
        }
    };
    let as_manager: Answer = |line| {
        if line.contains("/rawOverrides/") {
            (403, r#"{"code":403,"detail":"Forbidden"}"#)
        } else if line.contains("/overrides/demo_show?variant=production") {
            (200, PROJECT_OVERRIDES)
        } else {
            (200, PROJECT)
        }
    };
    for answer in [as_administrator, as_manager] {
        let (url, seen) = serve(answer);
        let (log, client) = (CallLog::default(), ayon::client(false).unwrap());
        let key = SecretString::from("T".repeat(64));
        let at = at(&url, Variant::Production, Some("demo_show"));
        let fact = ayon::look_own(&Record::new(&log), &client, &at, &key).await;
        let own = fact.known().unwrap();
        assert_eq!(own.own, BTreeSet::from([AddonField::Queue]));
        let plain = AddonField::ALL.iter().filter(|f| f.row().is_none());
        assert_eq!(own.values.len(), plain.count());
        let lines = seen.lines();
        let path = "/api/addons/deadline_cloud/0.3.0/settings/demo_show";
        assert!(lines.iter().any(|l| l.ends_with(path)), "{lines:?}");
    }
}

#[tokio::test]
async fn a_project_takes_a_setting_from_the_studio_again_and_gets_its_own_back() {
    let (url, seen) = serve(|line| {
        if line.starts_with("POST") {
            (204, "")
        } else {
            (200, PROJECT)
        }
    });
    let (log, client) = (CallLog::default(), ayon::client(false).unwrap());
    let key = SecretString::from("T".repeat(64));
    let at = at(&url, Variant::Production, Some("demo_show"));
    let record = Record::new(&log);
    for (queue, is_own) in [("queue-studio", false), ("queue-demo-show", true)] {
        let then = AddonFields::of([(AddonField::Queue, queue.into())], is_own);
        let done = ayon::change_own(&record, &client, &at, &key, &then);
        done.await.unwrap();
        let asked = seen.asked();
        let posted = asked
            .iter()
            .rfind(|r| web::first_line(r).starts_with("POST"));
        let posted = posted.unwrap();
        assert!(web::first_line(posted).contains("/settings/demo_show"));
        let mut body: serde_json::Value = posted.body_json().unwrap();
        let unpinned = body.as_object_mut().unwrap().remove("__unpinned_fields__");
        assert_eq!(
            unpinned,
            (!is_own).then(|| serde_json::json!([["queue_id"]]))
        );
        let mut whole: serde_json::Value = serde_json::from_str(PROJECT).unwrap();
        whole["queue_id"] = queue.into();
        assert_eq!(body, whole, "all the rest goes back as it came");
    }
}

#[tokio::test]
async fn projects_and_what_ayon_hands_out_are_read_as_it_answers() {
    let (url, _seen) = serve(|line| {
        if line.starts_with("GET /api/projects/demo_show") {
            (
                200,
                r#"{"name":"demo_show","code":"dsh","data":{"bundle":{"production":"__project__demo_show__production"}},"config":{"roots":{"work":{"windows":"P:/projects","linux":"/mnt/projects","darwin":"/Volumes/projects"}}}}"#,
            )
        } else if line.starts_with("GET /api/projects") {
            (
                200,
                r#"{"detail":"Showing 3 of 3 projects","count":3,"projects":[{"name":"demo_show","active":true,"library":false},{"name":"old","active":false,"library":false},{"name":"lib","active":true,"library":true}]}"#,
            )
        } else if line.starts_with("GET /api/desktop/installers") {
            (
                200,
                r#"{"installers":[{"filename":"AYON-1.4.0-linux.tar.gz","platform":"linux","size":12,"version":"1.4.0"}]}"#,
            )
        } else {
            (
                200,
                r#"{"packages":[{"filename":"ayon_2607_linux.zip","platform":"linux","size":11,"installerVersion":"1.4.0"}]}"#,
            )
        }
    });
    let (log, client) = (CallLog::default(), ayon::client(false).unwrap());
    let (record, key) = (Record::new(&log), SecretString::from("k".repeat(32)));
    let projects = ayon::look_projects(&record, &client, &url, &key).await;
    let projects = projects.known().unwrap();
    // One that is not active, and a library, submit nothing.
    assert_eq!(projects.read.len(), 1);
    assert_eq!(projects.read[0].roots["work"]["linux"], "/mnt/projects");
    let bundle = projects.read[0].bundles[&Variant::Production].raw();
    assert_eq!(bundle, "__project__demo_show__production");
    assert!(!projects.read[0].bundles.contains_key(&Variant::Staging));
    let desktop = ayon::look_desktop(&record, &client, &url, &key).await;
    let desktop = desktop.known().unwrap();
    assert!(desktop.has_installer("1.4.0", "linux") && !desktop.has_installer("1.4.0", "windows"));
    assert!(desktop.has_package("ayon_2607_linux.zip"));
}
