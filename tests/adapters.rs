//! The real AWS adapters against canned answers on loopback: what AWS says badly is one clear sentence, and what can
//! still be done goes on. No AWS, no peer: a server on loopback.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where
#![allow(clippy::unnecessary_wraps)] // an answer may also be none at all

use std::process::{Command, Output};
use std::time::Duration;

use wiremock::ResponseTemplate;

mod web;

use web::Web;

const FILE: &str = "schema = 1\n[aws]\nregion = \"us-west-2\"\n[queue]\nfarm = \"farm-00000000000000000000000000000001\"\nqueue = \"queue-00000000000000000000000000000001\"\n[conda]\nchannels = [\"deadline-cloud\"]\n[server]\nurl = \"http://127.0.0.1:9\"\n";

/// Everything else could not be checked; that the server refuses was seen, and counts first.
const SERVER_REFUSES: Option<i32> = Some(1);

/// Status, error type, body; `None`: it never answers.
type Answer = Option<(u16, &'static str, String)>;

fn json_error(status: u16, code: &'static str, message: &str) -> Answer {
    Some((status, code, format!("{{\"message\":\"{message}\"}}")))
}

fn xml_error(status: u16, code: &str, message: &str) -> Answer {
    Some((
        status,
        "",
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
        ),
    ))
}

fn identity() -> Answer {
    Some((200, "", "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/mia</Arn><UserId>u</UserId><Account>111122223333</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>r-0</RequestId></ResponseMetadata></GetCallerIdentityResponse>".to_owned()))
}

/// A server that answers each request line and body by a function; its address.
fn serve(answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> Web {
    web::serve(move |request| {
        let line = web::first_line(request);
        let body = String::from_utf8_lossy(&request.body);
        let Some((status, code, text)) = answer(&line, &body) else {
            return ResponseTemplate::new(200).set_delay(Duration::from_mins(1));
        };
        let kind = if text.starts_with('<') {
            "text/xml"
        } else {
            "application/json"
        };
        ResponseTemplate::new(status)
            .insert_header("x-amzn-requestid", format!("r-{status}"))
            .insert_header("x-amzn-errortype", code)
            .set_body_raw(text, kind)
    })
}

fn run(args: &[&str], endpoint: &str, env: &[(&str, &str)]) -> Output {
    run_with(FILE, args, endpoint, env)
}

fn run_with(file: &str, args: &[&str], endpoint: &str, env: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("studiolink.toml"), file).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_studiolink"));
    command
        .args(args)
        .current_dir(folder.path())
        .env_clear()
        .env("HOME", folder.path())
        .env("AWS_ENDPOINT_URL", endpoint);
    command
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("CONDA_CHANNEL_ALIAS", endpoint);
    let keys = [
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "secret-canary"),
    ];
    command.envs(if env.is_empty() {
        keys.to_vec()
    } else {
        env.to_vec()
    });
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn what_is_wrong_with_the_credentials_is_one_clear_sentence() {
    for (code, message, part) in [
        (
            "ExpiredTokenException",
            "The security token included in the request is expired",
            "have expired",
        ),
        (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            "does not accept the credentials",
        ),
        (
            "InvalidSignatureException",
            "Signature expired: 20261124T070000Z is now earlier than 20261124T075500Z",
            "clock is off",
        ),
    ] {
        let endpoint = serve(move |line, _| {
            if line.starts_with("POST / ") {
                xml_error(403, code, message)
            } else {
                json_error(403, code, message)
            }
        });
        let output = run(&["audit"], &endpoint.url, &[]);
        let all = text(&output);
        assert_eq!(output.status.code(), SERVER_REFUSES, "{code}: {all}");
        assert!(all.contains(part), "{code}: {all}");
        assert!(
            !all.contains("secret-canary")
                && !all.contains(
                    "FAIL  Farm farm-00000000000000000000000000000001 in us-west-2 has no queue"
                ),
            "{all}"
        );
    }
}

#[test]
fn an_sso_profile_that_is_not_signed_in_says_how() {
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "[profile studio-admin]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = Admin\nregion = us-west-2\n[sso-session s]\nsso_region = us-west-2\nsso_start_url = https://127.0.0.1:1/start\n").unwrap();
    let path = config.path().to_str().unwrap();
    let env = [
        ("AWS_CONFIG_FILE", path),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ];
    let output = run(
        &["audit", "--profile", "studio-admin"],
        "http://127.0.0.1:9",
        &env,
    );
    // Said once, before anything is asked.
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        text(&output).matches("fix ").count(),
        1,
        "{}",
        text(&output)
    );
    assert!(
        text(&output).contains("aws sso login --profile studio-admin"),
        "{}",
        text(&output)
    );
    let output = run(
        &["audit", "--profile", "nobody"],
        "http://127.0.0.1:9",
        &env,
    );
    assert!(
        text(&output).contains("the AWS config has: studio-admin"),
        "{}",
        text(&output)
    );
}

#[test]
fn no_credentials_at_all() {
    let env = [
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ];
    let output = run(&["audit"], "http://127.0.0.1:9", &env);
    // Said once, before anything is asked.
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        text(&output).matches("fix ").count(),
        1,
        "{}",
        text(&output)
    );
    assert!(
        text(&output).contains("no credentials were found"),
        "{}",
        text(&output)
    );
}

#[test]
fn throttled_to_the_end_is_unknown_and_not_missing() {
    let endpoint = serve(|line, _| {
        if line.starts_with("POST / ") {
            identity()
        } else {
            json_error(429, "ThrottlingException", "slow down")
        }
    });
    let output = run(&["plan"], &endpoint.url, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(
        text(&output).contains("asked to slow down") && !text(&output).contains("does not exist"),
        "{}",
        text(&output)
    );
}

#[test]
fn a_queue_that_is_not_there_is_not_nothing_to_change() {
    let endpoint = serve(|line, _| {
        if line.starts_with("POST / ") {
            identity()
        } else {
            json_error(404, "ResourceNotFoundException", "no such thing")
        }
    });
    let plan = run(&["plan"], &endpoint.url, &[]);
    assert_eq!(plan.status.code(), Some(2), "{}", text(&plan));
    assert!(
        text(&plan).contains("has no queue queue-00000000000000000000000000000001")
            && !text(&plan).contains("nothing to change"),
        "{}",
        text(&plan)
    );
    let audit = run(&["audit"], &endpoint.url, &[]);
    assert_eq!(audit.status.code(), Some(2));
    assert!(
        text(&audit)
            .contains("FAIL  Farm farm-00000000000000000000000000000001 in us-west-2 has no queue"),
        "{}",
        text(&audit)
    );
}

#[test]
fn forbidden_is_not_missing() {
    let endpoint = serve(|line, _| {
        if line.starts_with("POST / ") {
            identity()
        } else {
            json_error(403, "AccessDeniedException", "no \u{1b}[31mway")
        }
    });
    let output = run(&["audit"], &endpoint.url, &[]);
    let all = text(&output);
    assert_eq!(
        output.status.code(),
        Some(1),
        "the server at 127.0.0.1:9 refuses: {all}"
    );
    for permission in [
        "deadline:GetQueue",
        "deadline:ListQueueEnvironments",
        "deadline:ListQueueFleetAssociations",
    ] {
        assert!(
            all.contains(&format!("missing permission: {permission}")),
            "{permission}: {all}"
        );
    }
    assert!(
        !all.contains("has no queue") && !all.contains('\u{1b}'),
        "{all}"
    );
}

/// A queue with a role whose credentials are handed out; what else is asked for is `rest`'s to answer.
fn with_queue_role(line: &str, body: &str, rest: impl Fn(&str) -> Answer) -> Answer {
    let queue = "\"queueId\":\"queue-00000000000000000000000000000001\",\"farmId\":\"farm-00000000000000000000000000000001\",\"displayName\":\"Q\",\"status\":\"IDLE\",\"defaultBudgetAction\":\"NONE\",\"createdAt\":\"2026-01-01T00:00:00Z\",\"createdBy\":\"me\",\"roleArn\":\"arn:aws:iam::111122223333:role/Q\"";
    if line.contains("/user-roles") {
        let credentials = "{\"credentials\":{\"accessKeyId\":\"ASIAX\",\"secretAccessKey\":\"s\",\"sessionToken\":\"t\",\"expiration\":\"2099-01-01T00:00:00Z\"}}";
        Some((200, "", credentials.to_owned()))
    } else if line.starts_with("GET ")
        && line.contains("/queues/queue-00000000000000000000000000000001 ")
    {
        Some((200, "", format!("{{{queue}}}")))
    } else if body.contains("Action=GetCallerIdentity") {
        identity()
    } else if body.contains("Action=") {
        xml_error(403, "AccessDenied", "no")
    } else if line.starts_with("POST / ") {
        rest(body)
    } else {
        json_error(403, "AccessDeniedException", "no")
    }
}

#[test]
fn a_refused_secret_is_refused_and_not_missing() {
    let file = FILE.to_owned()
        + "secret = \"arn:aws:secretsmanager:us-west-2:111122223333:secret:ayon/key-AbCdEf\"\n";
    // Secrets Manager refuses with 400, as the JSON services do.
    for (status, code, words) in [
        (
            400,
            "AccessDeniedException",
            "The queue role can't read the secret",
        ),
        (
            400,
            "ResourceNotFoundException",
            "The secret of [server] secret does not exist",
        ),
        (
            400,
            "DecryptionFailure",
            "secretsmanager:GetSecretValue was refused (DecryptionFailure)",
        ),
    ] {
        let endpoint = serve(move |line, body| {
            with_queue_role(line, body, |_| json_error(status, code, "no"))
        });
        let all = text(&run_with(&file, &["setup", "--yes"], &endpoint.url, &[]));
        assert!(all.contains(words), "{code}: {all}");
        let missing = all.contains("secret does not exist");
        assert_eq!(
            missing,
            code == "ResourceNotFoundException",
            "{code}: {all}"
        );
    }
}

#[test]
fn an_endpoint_that_never_answers_ends_in_time() {
    let endpoint = serve(|_, _| None);
    let began = std::time::Instant::now();
    let output = run(&["plan"], &endpoint.url, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(
        text(&output).contains("did not answer in time"),
        "{}",
        text(&output)
    );
    assert!(
        began.elapsed() < Duration::from_secs(90),
        "it waited {:?}",
        began.elapsed()
    );
}

#[test]
fn an_answer_that_is_no_aws_is_said() {
    let endpoint = serve(|_, _| Some((200, "", "<html>Please sign in</html>".to_owned())));
    let output = run(&["plan"], &endpoint.url, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let output = run(&["plan", "--endpoint-url", "not a url"], &endpoint.url, &[]);
    assert!(
        text(&output).contains("The endpoint URL can't be used"),
        "{}",
        text(&output)
    );
}
