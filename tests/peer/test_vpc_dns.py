"""A gateway that resolves in its VPC: Route 53 as moto keeps it, behind the peer, set up by boto3."""
import json
import re
import time

import pytest
from conftest import studio_with_own_server
from test_broken import MORE

NAME = "ayon.nordlicht.lan"


@pytest.fixture
def in_vpc(tmp_path):
    s = studio_with_own_server(tmp_path, "lattice_private_dns", MORE.get("lattice_private_dns", ""))
    lattice = s.client("vpc-lattice")
    gateway = lattice.list_resource_gateways()["items"][0]
    lattice.update_resource_gateway(resourceGatewayIdentifier=gateway["id"], resourceConfigDnsResolution="IN_VPC")
    time.sleep(1.5)  # VPC Lattice updates take a second
    s.vpc, s.gateway = gateway["vpcIdentifier"], gateway
    return s


def said(s):
    found = json.loads(s.run("audit", "--only", "lattice-name", "--format", "json", AYON_API_KEY=s.key).stdout)["findings"]
    own = [f for f in found if f["check"] == "lattice-name"]
    assert own, found
    # moto has no Route 53 Profiles: what they hold was not seen, and that is said beside the rest.
    seen = [f for f in own if "Profiles" not in f["message"]]
    return (seen or own)[0]


def endpoint(s):
    ec2 = s.client("ec2")
    groups = [g["GroupId"] for g in ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [s.vpc]}])["SecurityGroups"]][:1]
    subnets = [n["SubnetId"] for n in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [s.vpc]}])["Subnets"]]
    two = (subnets * 2)[:2]
    made = s.client("route53resolver").create_resolver_endpoint(
        CreatorRequestId="e", Name="studio", SecurityGroupIds=groups, Direction="OUTBOUND", IpAddresses=[{"SubnetId": n} for n in two])
    return made["ResolverEndpoint"]["Id"]


def test_a_rule_that_forwards_to_the_studio(in_vpc):
    s, resolver = in_vpc, in_vpc.client("route53resolver")
    before, by = said(s), endpoint(s)
    assert before["verdict"] == "unknown" and "nobody answers" in before["why"], before
    rule = resolver.create_resolver_rule(CreatorRequestId="r", Name="studio", RuleType="FORWARD", DomainName="nordlicht.lan",
                                         TargetIps=[{"Ip": "192.168.10.2", "Port": 53}], ResolverEndpointId=by)["ResolverRule"]["Id"]
    assert said(s)["verdict"] != "ok", "a rule that is not associated forwards nothing"
    resolver.associate_resolver_rule(Name="studio", ResolverRuleId=rule, VPCId=s.vpc)
    other = resolver.create_resolver_rule(CreatorRequestId="o", Name="other", RuleType="FORWARD", DomainName="example.lan",
                                          TargetIps=[{"Ip": "192.168.10.3", "Port": 53}], ResolverEndpointId=by)["ResolverRule"]["Id"]
    resolver.associate_resolver_rule(Name="other", ResolverRuleId=other, VPCId=s.vpc)
    after = said(s)
    assert after["verdict"] == "ok" and "192.168.10.2" in after["message"] and rule in after["message"], after
    calls = {c["operation"] for e in after["evidence"] for c in e["calls"]}
    assert {"ListResolverRuleAssociations", "ListResolverRules", "GetResolverEndpoint", "ListHostedZonesByVPC"} <= calls, calls


def test_a_private_zone_with_and_without_the_record(in_vpc):
    s, dns = in_vpc, in_vpc.client("route53")
    zone = dns.create_hosted_zone(Name="nordlicht.lan", CallerReference="z", VPC={"VPCRegion": "us-west-2", "VPCId": s.vpc},
                                  HostedZoneConfig={"PrivateZone": True, "Comment": ""})["HostedZone"]["Id"]
    empty = said(s)
    assert empty["verdict"] == "unknown" and "has no address for it" in empty["why"], empty

    def put(action, name, kind, value):
        dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": {
            "Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}}]})
    put("CREATE", "www.nordlicht.lan", "A", "10.20.1.9")
    put("CREATE", NAME, "TXT", '"no address"')
    assert "has no address for it" in (said(s)["why"] or "")
    put("CREATE", NAME, "A", "10.20.1.50")
    assert said(s)["verdict"] == "ok"
    put("DELETE", NAME, "A", "10.20.1.50")
    put("CREATE", "*.nordlicht.lan", "CNAME", "nlb.example.com")
    assert said(s)["verdict"] == "ok", "a wildcard answers too"
    # Of a zone of the very name nothing is more specific: no profile is asked.
    dns.create_hosted_zone(Name=NAME, CallerReference="own", VPC={"VPCRegion": "us-west-2", "VPCId": s.vpc},
                           HostedZoneConfig={"PrivateZone": True, "Comment": ""})
    own = said(s)
    assert (own["verdict"], own["code"]) == ("fail", "no-record"), own


def test_forbidden_is_not_missing(in_vpc):
    s = in_vpc
    s.faults({"op": "ListResolverRuleAssociations", "nth": 1, "count": 9, "kind": "denied"})
    found = said(s)
    assert found["verdict"] == "unknown" and "route53resolver:ListResolverRuleAssociations" in json.dumps(found), found


def test_the_printed_command_names_the_vpc(in_vpc):
    fix = said(in_vpc)["fix"] or ""
    assert not re.search(r"--vpc-id (?!" + in_vpc.vpc + ")", fix), fix
