#!/usr/bin/env python3
"""An audit and boto3, side by side, on peer-cloud: the same calls, which boto3 makes one after the other. Needs ../shared and the
requirements of peer-cloud for this python.

  cargo build --release && python3 benches/audit.py            # one queue, 50 and 500 queues
  STUDIOLINK_BINARY=target/debug/studiolink python3 benches/audit.py one
"""
import collections, json, os, pathlib, subprocess, sys, tempfile, threading, time, urllib.request

import boto3
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARED = pathlib.Path(os.environ.get("STUDIOLINK_SHARED", ROOT.parent / "shared")).resolve()
BINARY = pathlib.Path(os.environ.get("STUDIOLINK_BINARY", ROOT / "target/release/studiolink")).resolve()
FARM, QUEUE = "farm-00000000000000000000000000000001", "queue-00000000000000000000000000000001"
SAMPLE = 400  # so many calls of boto3's are measured, and the rest is counted like them


class Peer:
    def __init__(self, *args):
        self.process = subprocess.Popen([sys.executable, "-B", str(SHARED / "peer-cloud/peer_cloud.py"), "--port", "0", *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip().rsplit(" ", 1)[1]
        for service in ("sts", "s3", "iam", "deadline"):
            # moto loads a service at its first call.
            client = self.client(service)
            {"sts": lambda: client.get_caller_identity(), "s3": lambda: client.list_buckets(), "iam": lambda: client.list_roles(), "deadline": lambda: client.list_farms()}[service]()
        self.forget()

    def client(self, service):
        return boto3.client(service, endpoint_url=self.url, region_name="us-west-2", aws_access_key_id="t", aws_secret_access_key="t", config=Config(inject_host_prefix=False))

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return json.load(answer)

    def forget(self):
        urllib.request.urlopen(urllib.request.Request(self.url + "/_peer/reset", data=b"", method="POST"))

    def stop(self):
        self.process.kill()
        self.process.wait()


def audit(peer, folder, *args, config):
    pathlib.Path(folder, "studiolink.toml").write_text(config)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "AWS_ENDPOINT_URL": peer.url, "AWS_ACCESS_KEY_ID": "t", "AWS_SECRET_ACCESS_KEY": "t", "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "us-west-2", "CONDA_CHANNEL_ALIAS": "http://127.0.0.1:9"}
    began = time.perf_counter()
    process = subprocess.Popen([str(BINARY), "audit", "--format", "json", *args], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    # ru_maxrss of a child begins with what this python had when it was made: the high-water mark of the program itself is looked at.
    peak, out = [0], []
    reader = threading.Thread(target=lambda: out.append(process.stdout.read()))
    reader.start()
    while reader.is_alive():
        try:
            marks = [l for l in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines() if l.startswith("VmHWM")]
            peak += [int(l.split()[1]) for l in marks]
        except OSError:
            pass
        reader.join(0.02)
    _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    return json.loads(out[0]), took, used.ru_utime + used.ru_stime, max(peak) / 1024


def in_sequence(peer, calls, farm, queue):
    """boto3 makes as many calls of each operation, one after the other. How long it took, or would take."""
    clients = {s: peer.client(s) for s in {s for s, _ in calls}}
    d = peer.client("deadline")
    env = d.list_queue_environments(farmId=farm, queueId=queue)["environments"][0]["queueEnvironmentId"]
    fleet = d.list_queue_fleet_associations(farmId=farm, queueId=queue)["queueFleetAssociations"][0]["fleetId"]
    role = d.get_queue(farmId=farm, queueId=queue)["roleArn"]
    name = role.rsplit("/", 1)[1]
    bucket = peer.client("s3").list_buckets()["Buckets"][0]["Name"]
    key = (peer.client("s3").list_objects_v2(Bucket=bucket, MaxKeys=1).get("Contents") or [{"Key": "none"}])[0]["Key"]
    of_queue = {"farmId": farm, "queueId": queue}
    with_what = {
        "GetFarm": {"farmId": farm}, "GetQueue": of_queue, "ListQueueEnvironments": of_queue, "GetQueueEnvironment": {**of_queue, "queueEnvironmentId": env},
        "ListQueueFleetAssociations": of_queue, "GetFleet": {"farmId": farm, "fleetId": fleet}, "ListWorkers": {"farmId": farm, "fleetId": fleet}, "ListQueues": {"farmId": farm},
        "SearchJobs": {"farmId": farm, "queueIds": [queue], "itemOffset": 0}, "GetRole": {"RoleName": name}, "ListRolePolicies": {"RoleName": name}, "ListAttachedRolePolicies": {"RoleName": name},
        "SimulatePrincipalPolicy": {"PolicySourceArn": role, "ActionNames": ["s3:GetObject"], "ResourceArns": ["*"]}, "GetObject": {"Bucket": bucket, "Key": key}, "HeadObject": {"Bucket": bucket, "Key": key},
        "HeadBucket": {"Bucket": bucket}, "ListFarms": {}, "GetCallerIdentity": {}, "DescribeSecret": {"SecretId": "none"}, "GetStorageProfileForQueue": {**of_queue, "storageProfileId": "sp-" + "0" * 32},
        "GetRolePolicy": {"RoleName": name, "PolicyName": "none"}, "GetPolicy": {"PolicyArn": "arn:aws:iam::aws:policy/AWSDeadlineCloud-FleetWorker"},
        "GetPolicyVersion": {"PolicyArn": "arn:aws:iam::aws:policy/AWSDeadlineCloud-FleetWorker", "VersionId": "v1"},
    }
    unknown = sorted({op for _, op in calls} - set(with_what))
    total, measured, left_out = 0.0, 0, 0
    for (service, op), count in sorted(calls.items()):
        if op in unknown:
            left_out += count
            continue
        method = getattr(clients[service], "".join("_" + c.lower() if c.isupper() else c for c in op).lstrip("_").replace("list_objects_v_2", "list_objects_v2"))
        some = max(1, min(count, round(SAMPLE * count / sum(calls.values()))))
        began = time.perf_counter()
        for _ in range(some):
            try:
                answer = method(**with_what[op])
                if "Body" in answer:
                    answer["Body"].read()
            except clients[service].exceptions.ClientError:
                pass
        total += (time.perf_counter() - began) / some * count
        measured += some
    return total, measured, left_out, unknown


def calls_of(peer):
    return collections.Counter((r["service"], r["op"]) for r in peer.get("/_peer/requests") if not r["op"].startswith("GET "))


KNOWN = f'schema = 1\n[aws]\nregion = "us-west-2"\n[queue]\nfarm = "{FARM}"\nqueue = "{QUEUE}"\n[conda]\nchannels = ["deadline-cloud", "s3://ynput-conda-channel/ayon"]\n[server]\nurl = "http://127.0.0.1:9"\n'


def one():
    for studio, more in (("healthy_direct", ""), ("healthy_lattice_vpn", 'location = "lan"\npath = "lattice"\n'), ("healthy_ssm_ec2", 'location = "ec2"\npath = "ssm"\n[ssm]\ninstance = "i-0a1b2c3d4e5f60711"\nport = 5000\n')):
        took, cpu = {}, {}
        for latency in (0, 400):
            peer = Peer("--studio", str(SHARED / f"peer-cloud/studios/{studio}.json"), "--latency-ms", str(latency))
            with tempfile.TemporaryDirectory() as folder:
                runs = [audit(peer, folder, config=KNOWN + more) for _ in range(5)]
                took[latency], cpu[latency] = min(r[1] for r in runs), min(r[2] for r in runs)
                peer.forget()
                audit(peer, folder, config=KNOWN + more)
            if latency == 400:
                calls = calls_of(peer)
                sequence, measured, left_out, unknown = in_sequence(peer, calls, FARM, QUEUE)
            peer.stop()
        trips = (took[400] - took[0]) / 0.4
        print(f"{studio}: {sum(calls.values())} calls; {took[0] * 1e3:.0f} ms without latency, {took[400] * 1e3:.0f} ms with 400 ms each: {trips:.2f} round trips; {cpu[0] * 1e3:.0f} ms of processor time; "
              f"boto3, one after the other: {sequence:.1f} s ({measured} calls measured, {left_out} left out: {', '.join(unknown) or 'none'}); {sequence / took[400]:.1f} times")


def many():
    per_queue = {}
    for count in (50, 500):
        peer = Peer("--many", str(count), "--latency-ms", "100")
        with tempfile.TemporaryDirectory() as folder:
            farm = peer.client("deadline").list_farms()["farms"][0]["farmId"]
            queue = peer.client("deadline").list_queues(farmId=farm)["queues"][0]["queueId"]
            peer.forget()
            document, took, cpu, memory = audit(peer, folder, "--all", "--like-file", config=f'schema = 1\n[aws]\nregion = "us-west-2"\n[queue]\nfarm = "{farm}"\nqueue = "{queue}"\n[conda]\nchannels = ["deadline-cloud-v2", "deadline-cloud", "s3://ynput-conda-channel/ayon", "conda-forge"]\n[server]\nurl = "http://127.0.0.1:9"\n')
            calls = calls_of(peer)
            sequence, measured, left_out, unknown = in_sequence(peer, calls, farm, queue)
        peer.stop()
        bad = collections.Counter(f["verdict"] for f in document["findings"])
        per_queue[count] = cpu / count
        print(f"{count} queues: {sum(calls.values())} calls in {took:.1f} s, {cpu:.1f} s of processor time ({cpu / count * 1e3:.1f} ms per queue), {memory:.0f} MB; "
              f"boto3, one after the other: {sequence:.0f} s ({measured} calls measured, {left_out} left out: {', '.join(unknown) or 'none'}); {sequence / took:.1f} times; {dict(bad)}")
    print(f"processor time per queue, 500 queues against 50: {per_queue[500] / per_queue[50]:.2f} times")


what = sys.argv[1:] or ["one", "many"]
if "one" in what:
    one()
if "many" in what:
    many()
