"""The broken studios that this version can see: each says what its table says, beside nothing that is not so."""
import json
import subprocess
import sys

import pytest
from conftest import AsIs, KEY, SHARED, Server

PEER = SHARED / "peer-cloud"
# Studio, check, verdict, code, a part of what is said (message, why and fix).
SEEN = [
    ("association_stopped", "queue-fleets", "warn", "not-active", "Fleet Publish takes no new jobs of this queue: the association is STOPPED"),
    ("association_stopped", "fleet-attributes", "fail", "not-offered", "attr.role = publish"),
    ("budget_missing", "queue-status", "fail", "blocked", "NO_BUDGET_CONFIGURED"),
    ("fleet_role_no_logs", "fleet-role-needs", "warn", "missing-permission", "Lacks logs:CreateLogStream"),
    ("fleet_role_no_logs", "fleet-workers", "warn", "stuck", "2 workers have been CREATED for 26 minutes or longer"),
    ("fleet_role_other_farm", "fleet-workers", "warn", "stuck", "2 workers have been CREATED for 26 minutes or longer"),
    ("host_script_fails", "fleet-workers", "fail", "script-fails", "Its host configuration script ends with exit code 127 (dig: command not found"),
    ("vcpu_quota", "fleet-workers", "warn", "wants-workers", "it is probably the account's vCPU quota"),
    ("fleet_role_other_farm", "fleet-role", "fail", "refused", "Does not let Deadline Cloud assume it for this farm"),
    ("secret_unreadable", "queue-role-needs", "fail", "missing-permission", "secretsmanager:GetSecretValue"),
    ("bundle_without_core", "compatibility", "warn", "no-core", "The bundle prod-2026-10 lacks the core addon"),
    ("artists_key", "server-key", "warn", "no-service-user", "belongs to artist, who is not a service user"),
    ("key_expired", "server-key", "fail", "denied", "AYON does not accept the key"),
    ("addon_channels_win", "addon-channels", "warn", "overrides", 'sets conda_channels = "deadline-cloud" (production)'),
    ("launcher_not_asked_for", "launcher-asked-for", "warn", "not-asked-for", "ayon: command not found"),
    ("bundle_ahead_of_channel", "conda-solve", "fail", "not-found", "nearest: 1.6.1"),
    ("console_env_on_hosts", "environment-kind", "warn", "customer-managed", "Publish hosts"),
    ("ssm_no_open_data_channel", "tunnel-permissions", "fail", "missing-permission", "ssmmessages:OpenDataChannel"),
    ("ssm_node_lost", "tunnel-node", "fail", "lost", "ayon-server (mi-0a1b2c3d4e5f60718) is ConnectionLost"),
    ("ssm_agent_too_old", "tunnel-node", "fail", "old-agent", "SSM agent 2.3.612.0 does not know port forwarding (2.3.672.0 or newer does)"),
    ("ssm_kms_preference", "tunnel-permissions", "fail", "missing-permission", "kms:GenerateDataKey"),
    ("ssm_kms_preference", "tunnel-settings", "warn", "kms-key", "Sessions are encrypted with the KMS key"),
    ("share_suspended", "lattice-share", "fail", "not-associated", "The share ayon-server is SUSPENDED, so Deadline Cloud can't use it"),
    ("lattice_flag_false", "lattice-configuration", "fail", "not-shareable", "allowAssociationToShareableServiceNetwork is false on ayon-server"),
    ("lattice_flag_false", "fleet-status", "warn", "not-active", "cannot be associated with a shareable service network"),
    ("fleet_slot_taken", "lattice-attachment", "fail", "slot-taken", "the quota L-9F7AA0C8 lets a fleet use 1, and it is taken by projects-fsx"),
    ("lattice_private_dns", "lattice-gateway", "fail", "private-name", "can't resolve ayon.nordlicht.lan: its resourceConfigDnsResolution is PUBLIC"),
    ("vpn_tunnels_down", "vpn-tunnels", "fail", "down", "VPN studio (vpn-0a1b2c3d4e5f60718): both tunnels are DOWN since 2026-11-24 02:13:00Z"),
    ("vpn_tunnels_down", "vpn-tunnels", "fail", "down", "customer gateway 198.51.100.7"),
    ("vpn_tunnels_down", "vpn-route", "not-reached", "not-reached", "gone while its tunnels are down"),
    ("tgw_blackhole", "vpn-route", "fail", "transit-blackhole", "The transit gateway's route to 192.168.10.0/24 is a blackhole"),
    ("tgw_blackhole", "vpn-route", "fail", "transit-blackhole", "--transit-gateway-attachment-id tgw-attach-0a1b2c3d4e5f60712"),
    ("target_port_closed", "lattice-target", "fail", "ingress", "Security group ayon-balancer (sg-0a1b2c3d4e5f60712) does not allow TCP 443 from the resource gateway"),
    ("target_port_closed", "lattice-target", "fail", "ingress", "--port 443 --source-group sg-0a1b2c3d4e5f60711"),
    ("gateway_egress_closed", "lattice-target", "fail", "egress", "Security group ayon-gateway (sg-0a1b2c3d4e5f60711) does not allow outbound TCP 5000"),
    ("gateway_egress_closed", "lattice-target", "fail", "egress", "CidrIp=10.20.0.0/16"),
    ("nacl_drops_replies", "vpn-route", "fail", "acl", "Network ACL acl-0a1b2c3d4e5f60718 does not allow inbound TCP 1024-65535 from 192.168.10.0/24"),
    ("gateway_wrong_subnets", "lattice-target", "fail", "cannot-route", "have no route to the target 10.20.1.50: office-a, office-b"),
    ("gateway_wrong_subnets", "lattice-target", "fail", "cannot-route", "make a new gateway in render-a, render-b"),
    ("staging_differs", "addon-queue", "warn", "not-set", "Staging differs from production: the AYON addon's farm_id and queue_id are empty (staging)"),
    ("addon_other_farm", "addon-queue", "warn", "other-queue", "submits to farm-0000…000009, queue-0000…000009 (production)"),
    ("addon_other_farm", "addon-queue", "warn", "other-queue", "submits to farm-0000…000009, queue-0000…000009 (staging)"),
    ("bundle_no_linux_package", "bundle-packages", "warn", "no-package", "Bundle prod-2026-10 has no dependency package for linux"),
    ("installer_missing", "bundle-installer", "warn", "no-installer", "The server has no linux installer 1.6.1"),
    ("root_missing_linux", "project-roots", "warn", "no-path", "Root work of demo_show has no linux path, and the workers of Publish run linux"),
    ("lan_no_role", "fleet-attributes", "fail", "not-offered", "attr.role = publish: fleet Publish hosts declares none"),
]
# What follows from the fault by itself.
FOLLOWS = {
    "association_stopped": set(), "addon_channels_win": {"conda-solve"}, "bundle_ahead_of_channel": {"queue-packages", "launcher-asked-for"},
    "key_expired": {"addon-channels", "addon-queue", "bundle-installer", "bundle-launcher", "compatibility", "conda-solve", "queue-packages"},
    "secret_unreadable": {"queue-role-simulated"}, "fleet_role_no_logs": {"fleet-role-simulated"}, "bundle_without_core": {"bundle-launcher"},
    "ssm_no_open_data_channel": {"queue-role-simulated"}, "ssm_kms_preference": {"queue-role-simulated"},
    "lattice_flag_false": {"fleet-attributes"},
}
# What the studio file says of these besides.
TUNNEL = 'location = "ec2"\npath = "ssm"\n[ssm]\ninstance = "i-0a1b2c3d4e5f60718"\n'
HYBRID = TUNNEL.replace("ec2", "lan").replace("i-0a", "mi-0a")
LATTICE = 'location = "LAN"\npath = "lattice"\n[lattice]\nconfiguration = "rcfg-0a1b2c3d4e5f60718"\nport = PORT\n'
BY_NLB, BY_VPN = LATTICE.replace("LAN", "ec2").replace("PORT", "443"), LATTICE.replace("LAN", "lan").replace("PORT", "5000")
MORE = {
    "ssm_no_open_data_channel": TUNNEL, "ssm_agent_too_old": TUNNEL, "ssm_kms_preference": TUNNEL, "ssm_node_lost": HYBRID,
    **dict.fromkeys(("vpn_tunnels_down", "tgw_blackhole", "gateway_egress_closed", "nacl_drops_replies", "gateway_wrong_subnets"), BY_VPN),
    "target_port_closed": BY_NLB, "host_script_fails": BY_NLB, "share_suspended": BY_NLB, "lattice_flag_false": BY_NLB, "fleet_slot_taken": BY_VPN, "lattice_private_dns": BY_VPN,
}


@pytest.mark.parametrize("name", sorted({s[0] for s in SEEN}))
def test_what_is_broken_is_said_and_nothing_else(tmp_path, name):
    seed = tmp_path / "whole.json"
    printed = subprocess.run([sys.executable, "-B", str(PEER / "peer_cloud.py"), "--studio", str(PEER / f"studios/{name}.json"), "--print"], capture_output=True, text=True, check=True)
    whole = json.loads(printed.stdout)
    seed.write_text(printed.stdout)
    (tmp_path / "here").mkdir()

    s = AsIs(tmp_path / "here", seed)
    try:
        s.ayon.stop()
        key = whole["ayon"].get("key") or next(iter(whole["secrets"].values()))
        served = KEY if key in ("ARTIST_API_KEY", "EXPIRED_API_KEY") else key
        s.ayon = Server(SHARED / "ayon-stand-in/ayon_stand_in.py", "--studio", seed, "--key", served)
        secret = f"arn:aws:secretsmanager:us-west-2:{s.account_of_studio}:secret:{next(iter(whole['secrets']))}-"
        named = next(x["ARN"] for x in s.client("secretsmanager").list_secrets()["SecretList"] if x["ARN"].startswith(secret))
        s.write(more=f'secret = "{named}"\n' + MORE.get(name, ""))
        done = s.run("audit", "--format", "json", AYON_API_KEY=key)
        found = json.loads(done.stdout)["findings"]
    finally:
        s.peer.stop()
        s.ayon.stop()
    assert "PSK-CANARY" not in done.stdout + done.stderr
    words = lambda f: f"{f['message']} {f['why']} {f['fix']}"
    for _, check, verdict, code, part in [x for x in SEEN if x[0] == name]:
        ours = [f for f in found if f["check"] == check and f["verdict"] == verdict and f["code"] == code]
        assert any(part in words(f) for f in ours), (check, [(f["verdict"], f["code"], words(f)) for f in found if f["check"] == check])
    expected = {x[1] for x in SEEN if x[0] == name} | FOLLOWS.get(name, set()) | {"server-url"}
    bad = [(f["verdict"], f["check"], f["code"], f["message"]) for f in found if f["verdict"] not in ("ok", "worker-only", "skipped")]
    assert [b for b in bad if b[1] not in expected] == [], bad
