use super::*;

const FILE: &str = r#"schema = 1
[aws]
region = "us-west-2"                      # profile = "studio-admin" where wanted
[queue]
farm = "farm-00000000000000000000000000000001"
queue = "queue-00000000000000000000000000000001"
[conda]
channels = ["deadline-cloud-v2", "deadline-cloud", "s3://ynput-conda-channel/ayon", "conda-forge"]
strategy = "launcher"                     # launcher | publish | components | core-sync
pin = "bundle:production"
[server]
url = "https://ayon.example.com"
location = "public"
path = "direct"
[worker_attributes]
render = ["render"]
publish = ["publish"]
"#;

const LEAST: &str = "schema = 1\n[queue]\nfarm = \"farm-00000000000000000000000000000001\"\nqueue = \"queue-00000000000000000000000000000001\"\n[conda]\nchannels = [\"deadline-cloud\"]\n[server]\nurl = \"http://127.0.0.1:5000\"\n";

#[test]
fn the_whole_shape_and_the_least() {
    let whole = StudioConfig::read(FILE).unwrap();
    assert_eq!(whole.channels.len(), 4);
    assert_eq!(whole.region.as_ref().unwrap().as_str(), "us-west-2");
    let least = StudioConfig::read(LEAST).unwrap();
    assert_eq!(
        (least.server.path, least.server.location, &least.pin),
        (PathId::Direct, Location::Public, &Pin::ProductionBundle)
    );
    assert_eq!(
        (
            least.worker_attributes.render,
            least.worker_attributes.publish
        ),
        (vec!["render".to_owned()], vec!["publish".to_owned()])
    );
}

#[test]
fn several_queues_of_one_farm() {
    let second = "[[queue]]\nfarm = \"farm-00000000000000000000000000000001\"\nqueue = \"queue-00000000000000000000000000000002\"\n";
    let two = LEAST.replace("[queue]", "[[queue]]") + second;
    assert_eq!(StudioConfig::read(&two).unwrap().queues.len(), 2);
    let twice = two.replace("0002\"", "0001\"");
    assert!(
        StudioConfig::read(&twice)
            .unwrap_err()
            .to_string()
            .contains("listed twice")
    );
    let far = LEAST.replace("[queue]", "[[queue]]")
        + &second.replace(
            "farm-00000000000000000000000000000001",
            "farm-00000000000000000000000000000009",
        );
    assert!(
        StudioConfig::read(&far)
            .unwrap_err()
            .to_string()
            .contains("two farms")
    );
}

/// A text of the file, what stands there instead, where that is refused, and with which words.
const WRONG: &[(&str, &str, usize, usize, &str)] = &[
    (
        "schema = 1",
        "schema = 2",
        1,
        10,
        "schema 2; this studiolink reads schema 1",
    ),
    ("schema = 1\n", "", 1, 1, "no `schema`"),
    ("schema = 1", "schema = \"1\"", 1, 10, "schema is"),
    ("region = \"us-west-2\"", "region = 5", 3, 10, "not a text"),
    (
        "region = \"us-west-2\"",
        "regoin = \"us-west-2\"",
        3,
        1,
        "did you mean `region`?",
    ),
    // A key that has to be there, misspelt, is named at its place.
    (
        "channels = [",
        "chanels = [",
        8,
        1,
        "did you mean `channels`?",
    ),
    (
        "farm = \"farm-0",
        "farn = \"farm-0",
        5,
        1,
        "did you mean `farm`?",
    ),
    ("farm = \"farm-0", "farm = \"queue-0", 5, 8, "not a farm id"),
    (
        "\"conda-forge\"]",
        "\"conda forge\"]",
        8,
        85,
        "not a channel",
    ),
    (
        "\"conda-forge\"]",
        "\"deadline-cloud\"]",
        8,
        85,
        "listed twice",
    ),
    (
        "channels = [\"deadline-cloud-v2\", \"deadline-cloud\", \"s3://ynput-conda-channel/ayon\", \"conda-forge\"]",
        "channels = []",
        8,
        12,
        "`channels` is empty",
    ),
    ("channels = [", "channels = [1, ", 8, 13, "integer"),
    (
        "pin = \"bundle:production\"",
        "pin = \"1.6.1\"",
        10,
        7,
        "`pin` can't be",
    ),
    (
        "url = \"https://ayon.example.com\"",
        "url = \"https://me:pw@ayon.example.com\"",
        12,
        7,
        "user or password",
    ),
    (
        "url = \"https://ayon.example.com\"",
        "url = \"ayon.example.com\"",
        12,
        7,
        "can't be used",
    ),
    (
        "url = \"https://ayon.example.com\"\n",
        "",
        11,
        1,
        "[server] has no `url`",
    ),
    (
        "location = \"public\"",
        "location = \"moon\"",
        13,
        12,
        "`location` can't be \"moon\"",
    ),
    (
        "path = \"direct\"",
        "path = \"client-vpn\"",
        14,
        8,
        "AWS Client VPN",
    ),
    (
        "[worker_attributes]",
        "[worker_atributes]",
        15,
        2,
        "did you mean `worker_attributes`?",
    ),
    (
        "render = [\"render\"]",
        "render = [\"a b\"]",
        16,
        11,
        "can't be a value of attr.role",
    ),
    ("[queue]", "[queue", 4, 7, ""),
];

#[test]
fn what_is_wrong_is_named_with_line_and_column() {
    for &(from, to, line, column, part) in WRONG {
        assert!(FILE.contains(from), "{from}");
        let refused = StudioConfig::read(&FILE.replacen(from, to, 1)).expect_err(to);
        assert!(refused.to_string().contains(part), "{to}: {refused}");
        assert_eq!(
            (refused.line, refused.column),
            (line, column),
            "{to}: {refused}"
        );
    }
    for (bytes, part) in [
        (&b""[..], "is empty"),
        (b"\x7fELF\x02\x01\x00", "binary"),
        (b"schema = 1\n\xff\xfe", "not UTF-8"),
    ] {
        let refused = StudioConfig::read_bytes(bytes).unwrap_err();
        assert!(refused.to_string().contains(part), "{refused}");
    }
}

#[test]
fn a_password_in_a_url_is_never_repeated() {
    let refused = StudioConfig::read(&FILE.replace("https://ayon", "https://me:hunter2@ayon"))
        .unwrap_err()
        .to_string();
    assert!(!refused.contains("hunter2"), "{refused}");
}

#[test]
fn writing_what_was_read_changes_nothing_and_a_change_keeps_the_comments() {
    for text in [FILE, LEAST] {
        assert_eq!(
            StudioConfig::read(text).unwrap().write_into(Some(text)),
            text
        );
    }
    let mut wanted = StudioConfig::read(FILE).unwrap();
    wanted.channels.pop();
    wanted.pin = Pin::Exactly("1.6.1".to_owned());
    let written = wanted.write_into(Some(FILE));
    assert!(
        written.contains("# profile = \"studio-admin\" where wanted")
            && written.contains("# launcher | publish"),
        "{written}"
    );
    assert_eq!(StudioConfig::read(&written).unwrap(), wanted);
    let fresh = wanted.write_into(None);
    assert_eq!(StudioConfig::read(&fresh).unwrap(), wanted, "{fresh}");
    wanted.queues.push(
        "farm-00000000000000000000000000000001/queue-00000000000000000000000000000002"
            .to_owned()
            .try_into()
            .unwrap(),
    );
    assert_eq!(
        StudioConfig::read(&wanted.write_into(Some(FILE))).unwrap(),
        wanted
    );
}

const IAM: &str = r#"
[iam]
worker_hosts = ["arn:aws:iam::123456789012:role/Hosts"]
fleets = "manage"

[iam.new_role]                            # for a queue without one
name = "NordlichtPublish"
path = "/studio/"
boundary = "arn:aws:iam::123456789012:policy/Boundary"
tags = { team = "pipeline" }

[ssm]
instance = "mi-0123456789abcdef0"
host = "ayon.lan"
port = 5000

[vpn]
connection = "vpn-0a1b2c3d4e5f60718"
network = "192.168.10.0/24"
"#;

#[test]
fn the_choices_of_roles_are_read_and_kept() {
    let secret = "location = \"ec2\"\nsecret = \"arn:aws:secretsmanager:us-west-2:123456789012:secret:ayon/key-AbCdEf\"\nsecret_key = \"arn:aws:kms:us-west-2:123456789012:key/0a1b\"";
    let text = FILE
        .replace("location = \"public\"", secret)
        .replace("path = \"direct\"", "path = \"ssm\"")
        + IAM;
    let wanted = StudioConfig::read(&text).unwrap();
    let new = &wanted.iam.new_role;
    assert_eq!(
        (new.name.as_deref(), new.path.as_deref()),
        (Some("NordlichtPublish"), Some("/studio/"))
    );
    assert_eq!(new.tags, [("team".to_owned(), "pipeline".to_owned())]);
    assert_eq!(
        (wanted.iam.fleets, wanted.iam.worker_hosts.len()),
        (FleetRoles::Manage, 1)
    );
    assert_eq!(
        wanted.secret.as_ref().and_then(|s| s.key.as_deref()),
        Some("arn:aws:kms:us-west-2:123456789012:key/0a1b")
    );
    assert_eq!(
        wanted.tunnel.as_ref().and_then(|t| t.host.as_deref()),
        Some("ayon.lan")
    );
    assert_eq!(
        wanted.write_into(Some(&text)),
        text,
        "nothing of it is lost"
    );
    let mut left = wanted;
    left.iam.fleets = FleetRoles::Leave;
    assert_eq!(
        left.write_into(Some(&text)),
        text.replace("\"manage\"", "\"leave\"")
    );
}

#[test]
fn wrong_choices_of_roles_say_what_and_how() {
    for (line, what) in [
        ("[iam]\nworker_hosts = [\"Hosts\"]", "is not a role's ARN"),
        ("[iam]\nfleets = \"both\"", "one of leave, manage"),
        ("[iam]\nfleets = \"mend\"", "write fleets = \"manage\""),
        (
            "[roles]\nrender = [\"a\"]",
            "write it as [worker_attributes] render",
        ),
        ("[roles]\nfleets = \"mend\"", "write it as [iam] fleets"),
        ("[roles.new]\npath = \"/\"", "write it as [iam.new_role]"),
        ("[iam.new_role]\nname = \"a b\"", "can't be a role's name"),
        (
            "[iam.new_role]\npath = \"studio\"",
            "begin and end it with a slash",
        ),
        (
            "[iam.new_role]\nboundary = \"Boundary\"",
            "not an ARN of iam",
        ),
        ("[iam.new_role]\ntags = [\"team\"]", "`tags` is not a table"),
        (
            "[iam.new_role]\ntag = { a = \"b\" }",
            "did you mean `tags`?",
        ),
        (
            "[iam.new_role]\ntags = { \"aws:x\" = \"y\" }",
            "can't be a tag's key",
        ),
        (
            "[iam.new_role]\npath = \"/aws-service-role/x/\"",
            "keeps for itself",
        ),
        ("[ssm]\ninstance = \"the server\"", "not a managed instance"),
    ] {
        let refused = StudioConfig::read(&(FILE.to_owned() + line))
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains(what) && refused.starts_with("line "),
            "{line}: {refused}"
        );
    }
    let server = |line: &str| {
        StudioConfig::read(&FILE.replace("location = \"public\"", line))
            .unwrap_err()
            .to_string()
    };
    let named = FILE.replace("location = \"public\"", "secret = \"ayon/key\"");
    let named = StudioConfig::read(&named).unwrap().secret.unwrap();
    assert_eq!((named.id.as_str(), named.is_arn()), ("ayon/key", false));
    let pasted = server("secret = \"sk-0123456789abcdef\"");
    assert!(
        !pasted.contains("sk-"),
        "a key that was pasted by mistake is not repeated: {pasted}"
    );
    let short =
        server("secret = \"arn:aws:secretsmanager:us-west-2:123456789012:secret:ayon/key\"");
    assert!(short.contains("whole, as the console shows it"), "{short}");
    let wild = server("secret = \"arn:aws:secretsmanager:us-west-2:123456789012:secret:*\"");
    assert!(
        wild.contains("not an ARN of secretsmanager"),
        "a pattern would open a neighbour's: {wild}"
    );
    let key = server("secret_key = \"arn:aws:kms:us-west-2:123456789012:key/0a1b\"");
    assert!(key.contains("no `secret` is named"), "{key}");
}

const OWN: &str = "
# the machines in the basement
[[connection]]
fleet = \"fleet-00000000000000000000000000000007\"   # Publish hosts
path = \"lan\"
at = \"lan\"
";

#[test]
fn a_fleet_has_a_path_and_a_place_of_its_own() {
    use crate::domain::reach::MachinePlace;
    let lan = LEAST.replace("5000\"", "5000\"\nlocation = \"lan\"\npath = \"lattice\"");
    let file = lan.clone() + OWN;
    let config = StudioConfig::read(&file).unwrap();
    let fleet = "fleet-00000000000000000000000000000007".parse().unwrap();
    let other = "fleet-00000000000000000000000000000008".parse().unwrap();
    assert_eq!(
        (config.path_of(&fleet), config.path_of(&other)),
        (PathId::Lan, PathId::Lattice)
    );
    assert_eq!(config.machines_of(&fleet), Some(MachinePlace::Lan));
    assert!(config.chooses(PathId::Lan) && config.chooses(PathId::Lattice));
    // Nothing is written where nothing changed; what changed is one word, and an entry that says nothing goes.
    assert_eq!(config.write_into(Some(&file)), file);
    let mut changed = config.clone();
    changed.connect(&fleet, PathId::Ssm, Some(MachinePlace::Lan));
    let written = changed.write_into(Some(&file));
    assert_eq!(
        written,
        file.replace("path = \"lan\"\nat", "path = \"ssm\"\nat")
    );
    assert_eq!(StudioConfig::read(&written).unwrap(), changed);
    changed.connect(&fleet, PathId::Lattice, None);
    changed.connect(&other, PathId::Lattice, Some(MachinePlace::Vpc));
    let written = changed.write_into(Some(&written));
    assert!(
        written.contains("0008\"\nat = \"vpc\"") && !written.contains("0007"),
        "{written}"
    );
    assert_eq!(StudioConfig::read(&written).unwrap(), changed);
}

#[test]
fn a_connection_that_can_not_be_meant_is_refused_at_its_line() {
    let lan = LEAST.replace("5000\"", "5000\"\nlocation = \"ec2\"");
    for (from, to, says) in [
        (
            "\"fleet-00000000000000000000000000000007\"",
            "\"publish\"",
            "a fleet id",
        ),
        ("path = \"lan\"\nat = \"lan\"\n", "", "says nothing"),
        ("at = \"lan\"", "at = \"basement\"", "`at` can't be"),
        ("at = \"lan\"", "stands = \"lan\"", "unknown key `stands`"),
        (
            "path = \"lan\"",
            "path = \"client-vpn\"",
            "no route to the studio",
        ),
        ("[[connection]]", "[connection]", "not a list of tables"),
    ] {
        let base = lan.replace("ec2", "lan");
        let refused = StudioConfig::read(&(base + &OWN.replace(from, to))).unwrap_err();
        assert!(refused.what.contains(says), "{refused}");
        assert!(refused.line > 10, "{refused}");
    }
    let twice = lan.replace("ec2", "lan") + OWN + OWN;
    let refused = StudioConfig::read(&twice).unwrap_err();
    assert!(
        refused.what.contains("two [[connection]] entries"),
        "{refused}"
    );
    let refused =
        StudioConfig::read(&LEAST.replace("5000\"", "5000\"\npath = \"client-vpn\"")).unwrap_err();
    assert!(refused.what.contains("Client VPN"), "{refused}");
}
