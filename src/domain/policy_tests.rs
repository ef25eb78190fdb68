use super::*;

fn policy(statements: &str) -> Policy {
    Policy::parse(&format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":{statements}}}"
    ))
    .unwrap()
}

fn ctx(pairs: &[(&str, &str)]) -> Context {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

#[test]
fn wildcards_as_iam_reads_them() {
    for (p, t, want) in [
        ("*", "anything", true),
        ("s3:Get*", "s3:GetObject", true),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/ayon/*", true),
        ("arn:aws:s3:::b/ayon/x", "arn:aws:s3:::b/ayon/*", false),
        ("arn:aws:s3:::b/a?on/*", "arn:aws:s3:::b/ayon/*", true),
        ("arn:aws:s3:::b?", "arn:aws:s3:::b*", false),
        ("a*b*c", "aXbYbZc", true),
        ("", "", true),
    ] {
        assert_eq!(wild(p, t), want, "{p} ~ {t}");
    }
}

#[test]
fn patterns_overlap_where_one_text_is_of_both() {
    for (a, b, want) in [
        ("b/ayon/*", "*/noarch/*", true),
        ("b/ayon/*", "b/*/secret", true),
        ("b/ayon/*", "c/*", false),
        ("b/a?on/x", "b/*", true),
        ("a*c", "*b", false),
        ("*", "", true),
        ("a", "", false),
        ("a?", "a", false),
    ] {
        assert_eq!((overlap(a, b), overlap(b, a)), (want, want), "{a} ~ {b}");
    }
    let both = policy(
        r#"[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::*/noarch/*"}]"#,
    );
    let read = decide([&both], "s3:GetObject", "arn:aws:s3:::b/ayon/*", &ctx(&[]));
    assert_eq!(
        read,
        Decision::Depends,
        "a Deny on a part that neither covers"
    );
}

#[test]
fn arns_are_compared_part_by_part() {
    let farm = "arn:aws:deadline:us-west-2:111122223333:farm/farm-1";
    for (pattern, want) in [
        ("arn:aws:deadline:*:*:farm/*", true),
        ("arn:aws:deadline:*:farm/farm-1", false),
        ("arn:aws:deadline:us-west-2:111122223333:farm/farm-?", true),
        ("*", true),
    ] {
        assert_eq!(arn_like(pattern, farm), want, "{pattern}");
    }
}

#[test]
fn an_old_policy_knows_no_variables() {
    let old = r#"{"Statement":{"Effect":"Allow","Action":"ssm:TerminateSession","Resource":"arn:aws:ssm:*:*:session/${aws:userid}-*"}}"#;
    let of = |text: &str| {
        let at = ctx(&[("aws:userid", "AROA:q")]);
        let policy = Policy::parse(text).unwrap();
        decide(
            [&policy],
            "ssm:TerminateSession",
            "arn:aws:ssm:r:1:session/AROA:q-0a",
            &at,
        )
    };
    assert_eq!(of(old), Decision::NotAllowed);
    let new = old.replacen('{', r#"{"Version":"2012-10-17","#, 1);
    assert_eq!(of(&new), Decision::Allowed);
}

#[test]
fn a_deny_wins_and_a_condition_may_leave_it_open() {
    let allow = policy(r#"{"Effect":"Allow","Action":["s3:Get*"],"Resource":"arn:aws:s3:::b/*"}"#);
    let deny =
        policy(r#"[{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::b/ayon/secret"}]"#);
    let own = policy(
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"aws:ResourceAccount":"1"}}}"#,
    );
    let get = |p: &[&Policy], c: &Context| {
        decide(
            p.iter().copied(),
            "s3:getobject",
            "arn:aws:s3:::b/ayon/*",
            c,
        )
    };
    assert_eq!(get(&[&allow], &ctx(&[])), Decision::Allowed);
    assert_eq!(
        get(&[&allow, &deny], &ctx(&[])),
        Decision::Depends,
        "denied for a part is not allowed for the whole"
    );
    assert_eq!(get(&[&own], &ctx(&[])), Decision::Depends);
    assert_eq!(
        get(&[&own], &ctx(&[("aws:resourceaccount", "2")])),
        Decision::NotAllowed
    );
    assert_eq!(get(&[], &ctx(&[])), Decision::NotAllowed);
}

#[test]
fn conditions_as_iam_reads_them() {
    let with = |effect: &str, condition: &str| {
        policy(&format!(
            r#"[{{"Effect":"Allow","Action":"s3:*","Resource":"*"}},{{"Effect":"{effect}","Action":"s3:GetObject","Resource":"*","Condition":{condition}}}]"#
        ))
    };
    let at = ctx(&[
        ("aws:securetransport", "true"),
        ("s3:dataaccesspointarn", ""),
    ]);
    let of = |p: &Policy| decide([p], "s3:GetObject", "arn:aws:s3:::b/x", &at);
    for (condition, want) in [
        (
            r#"{"Bool":{"aws:SecureTransport":"false"}}"#,
            Decision::Allowed,
        ),
        (
            r#"{"Bool":{"aws:SecureTransport":"true"}}"#,
            Decision::Denied,
        ),
        (
            r#"{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}"#,
            Decision::Depends,
        ),
        (
            r#"{"StringNotEquals":{"aws:PrincipalAccount":"${aws:ResourceAccount}"}}"#,
            Decision::Depends,
        ),
        (
            r#"{"Null":{"s3:DataAccessPointArn":"true"}}"#,
            Decision::Denied,
        ),
        (
            r#"{"Null":{"s3:DataAccessPointArn":"false"}}"#,
            Decision::Allowed,
        ),
        (
            r#"{"ForAllValues:StringEquals":{"s3:DataAccessPointArn":"x"}}"#,
            Decision::Denied,
        ),
        (
            r#"{"ForAnyValue:StringNotEquals":{"s3:DataAccessPointArn":"x"}}"#,
            Decision::Allowed,
        ),
    ] {
        assert_eq!(of(&with("Deny", condition)), want, "{condition}");
    }
}

#[test]
fn variables_are_filled_in_from_what_the_request_carries() {
    let worker = policy(
        r#"{"Effect":"Allow","Action":"deadline:UpdateWorker","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalAccount":"${aws:ResourceAccount}"}}}"#,
    );
    let of = |p: &Policy, a: &str, r: &str, c: &[(&str, &str)]| decide([p], a, r, &ctx(c));
    let update = |c: &[(&str, &str)]| of(&worker, "deadline:UpdateWorker", "x", c);
    let (own, other) = (("aws:principalaccount", "1"), ("aws:resourceaccount", "2"));
    assert_eq!(
        update(&[own, ("aws:resourceaccount", "1")]),
        Decision::Allowed
    );
    assert_eq!(update(&[own, other]), Decision::NotAllowed);
    assert_eq!(update(&[own]), Decision::Depends);
    let session = policy(
        r#"{"Effect":"Allow","Action":"ssm:TerminateSession","Resource":"arn:aws:ssm:*:*:session/${aws:userid}-*"}"#,
    );
    // Whatever the value may be, a session's ARN is no instance's.
    let instance = "arn:aws:ec2:us-west-2:1:instance/i-1";
    let elsewhere = of(&session, "ssm:TerminateSession", instance, &[]);
    assert_eq!(elsewhere, Decision::NotAllowed);
    let end = |r: &str, c: &[(&str, &str)]| of(&session, "ssm:TerminateSession", r, c);
    let id = ("aws:userid", "AROA:queue");
    assert_eq!(
        end("arn:aws:ssm:r:1:session/AROA:queue-0a", &[id]),
        Decision::Allowed
    );
    assert_eq!(
        end("arn:aws:ssm:r:1:session/other-0a", &[id]),
        Decision::NotAllowed
    );
    assert_eq!(
        end("arn:aws:ssm:r:1:session/AROA:queue-0a", &[]),
        Decision::Depends
    );
    assert_eq!(
        end("arn:aws:ssm:*:*:session/${aws:userid}-*", &[]),
        Decision::Allowed
    );
    let none = [("aws:principaltag/team", "")];
    for (text, want) in [
        ("${aws:PrincipalTag/team, 'all'}", Some("all")),
        ("${aws:PrincipalTag/team}", None),
        ("a${$}b", Some("a$b")),
        ("${*}", None),
        ("${aws:x", None),
    ] {
        assert_eq!(filled(text, &ctx(&none)).as_deref(), want, "{text}");
    }
}

#[test]
fn a_boundary_is_a_fence_and_gives_nothing() {
    let all = policy(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#);
    let logs = policy(r#"{"Effect":"Allow","Action":"logs:*","Resource":"*"}"#);
    let of = |own: &[&Policy], boundary: Option<&Policy>| {
        decide_within(
            own.iter().copied(),
            boundary,
            "s3:GetObject",
            "x",
            &ctx(&[]),
        )
    };
    assert_eq!(of(&[&all], None), Decision::Allowed);
    assert_eq!(of(&[&all], Some(&logs)), Decision::NotAllowed);
    assert_eq!(of(&[], Some(&all)), Decision::NotAllowed);
}

#[test]
fn an_allow_that_excludes_a_part_is_not_an_allow_of_the_whole() {
    let allow = policy(
        r#"{"Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:s3:::b/ayon/secret"}"#,
    );
    let of = |r: &str| decide([&allow], "s3:GetObject", r, &ctx(&[]));
    assert_eq!(of("arn:aws:s3:::b/ayon/*"), Decision::NotAllowed);
    assert_eq!(of("arn:aws:s3:::b/other/*"), Decision::Allowed);
}

#[test]
fn the_consoles_software_statement_does_not_open_a_plain_bucket() {
    let software = policy(
        r#"[{"Effect":"Allow","Action":["s3:ListBucket","s3:GetObject"],"Resource":"*","Condition":
        {"ArnLike":{"s3:DataAccessPointArn":["arn:aws:s3:*:*:accesspoint/deadline-software-*"]},"StringEquals":{"s3:AccessPointNetworkOrigin":"VPC"}}}]"#,
    );
    let plain = ctx(&[
        ("s3:dataaccesspointarn", ""),
        ("s3:accesspointnetworkorigin", ""),
    ]);
    assert_eq!(
        decide([&software], "s3:GetObject", "arn:aws:s3:::b/x", &plain),
        Decision::NotAllowed
    );
}

#[test]
fn trust_is_read_with_its_conditions() {
    let trust = policy(
        r#"[{"Effect":"Allow","Principal":{"Service":["credentials.deadline.amazonaws.com"]},"Action":"sts:AssumeRole",
        "Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:deadline:us-west-2:1:farm/farm-a"}}}]"#,
    );
    let of = |farm: &str| {
        ctx(&[(
            "aws:sourcearn",
            &format!("arn:aws:deadline:us-west-2:1:farm/{farm}"),
        )])
    };
    assert_eq!(
        trusts(
            &trust,
            "credentials.deadline.amazonaws.com",
            "sts:AssumeRole",
            &of("farm-a")
        ),
        Decision::Allowed
    );
    assert_eq!(
        trusts(
            &trust,
            "credentials.deadline.amazonaws.com",
            "sts:AssumeRole",
            &of("farm-b")
        ),
        Decision::NotAllowed
    );
    assert_eq!(
        trusts(
            &trust,
            "deadline.amazonaws.com",
            "sts:AssumeRole",
            &of("farm-a")
        ),
        Decision::NotAllowed
    );
}

#[test]
fn what_is_no_policy_says_why() {
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"Statement":[{"Effect":"Maybe","Action":"x"}]}"#,
        r#"{"Statement":[{"Effect":"Allow"}]}"#,
    ] {
        assert!(Policy::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_deny_of_a_part_forbids_what_is_sure_to_be_asked_for_and_leaves_the_rest_open() {
    use super::super::needs::of_channels;
    let channel = "s3://b-1/ayon".parse().unwrap();
    let needs = of_channels(&[channel], "aws", &|_| None);
    let allow = r#"{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::b-1","arn:aws:s3:::b-1/ayon/*"]}"#;
    let with = |deny: &str| {
        let deny = format!(r#"{{"Sid":"Part","Effect":"Deny","Action":"s3:GetObject",{deny}}}"#);
        let document = policy(&format!("[{allow},{deny}]"));
        let judged: Vec<Decision> = needs
            .iter()
            .flat_map(|n| n.judged([&document], None))
            .map(|(_, d)| d)
            .collect();
        let open: Vec<String> = needs
            .iter()
            .flat_map(|n| n.open_conditions(&[&document]))
            .map(|c| c.key)
            .collect();
        (judged, open.join("; "))
    };
    let (judged, _) = with(r#""Resource":"arn:aws:s3:::b-1/*/noarch/*""#);
    assert!(judged.contains(&Decision::Denied), "{judged:?}");
    let (judged, open) = with(r#""Resource":"arn:aws:s3:::b-1/ayon/private/*""#);
    assert!(!judged.contains(&Decision::Denied) && judged.contains(&Decision::Depends));
    assert!(
        open.contains("a Deny forbids arn:aws:s3:::b-1/ayon/private/*"),
        "{open}"
    );
    let (judged, _) = with(r#""Resource":"arn:aws:s3:::other/*""#);
    assert!(judged.iter().all(|d| *d == Decision::Allowed), "{judged:?}");
    let (judged, open) = with(
        r#""NotResource":["arn:aws:s3:::b-1/ayon/noarch/*","arn:aws:s3:::b-1/ayon/linux-64/*"]"#,
    );
    assert!(judged.contains(&Decision::Depends), "{judged:?}");
    assert!(open.contains("all but"), "{open}");
}
