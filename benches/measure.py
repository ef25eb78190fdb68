#!/usr/bin/env python3
"""What the release binary costs: first frame, memory, idle CPU; and, where ../shared/peer-cloud is there and its
requirements are installed for this python, how many round trips depend on each other when a known queue is opened.

  cargo build --release && python3 benches/measure.py
"""
import fcntl, os, pathlib, pty, select, statistics, struct, subprocess, sys, tempfile, termios, time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = ROOT / "target/release/studiolink"
SHARED = pathlib.Path(os.environ.get("STUDIOLINK_SHARED", ROOT.parent / "shared"))


def start(*args):
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.clear()
        os.environ.update(TERM="xterm-256color", HOME=tempfile.gettempdir(), PATH="/usr/bin:/bin")
        os.execv(BINARY, [str(BINARY), *args])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    return pid, fd


def read_until(fd, word, limit=10):
    seen, end = b"", time.perf_counter() + limit
    while word not in seen and time.perf_counter() < end:
        if select.select([fd], [], [], 0.05)[0]:
            seen += os.read(fd, 65536)
    return seen


def cpu(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024


def first_frames():
    took = []
    for _ in range(20):
        began = time.perf_counter()
        pid, fd = start("--sandbox")
        read_until(fd, b"studiolink")
        took.append((time.perf_counter() - began) * 1e3)
        os.write(fd, b"\x03")
        os.waitpid(pid, 0)
        os.close(fd)
    print(f"first frame after process start: median {statistics.median(took):.1f} ms, worst {max(took):.1f} ms of 20 (target 30 ms)")


def memory_and_idle():
    for scenario in ("studio", "many-queues"):
        pid, fd = start(f"--sandbox={scenario}")
        read_until(fd, b"Signed in")
        for _ in range(5):
            os.write(fd, b"\r")
            time.sleep(0.4)
            select.select([fd], [], [], 0) and os.read(fd, 1 << 20)
        before, memory = cpu(pid), rss(pid)
        time.sleep(5)
        used = cpu(pid) - before
        print(f"{scenario}: {memory:.1f} MB resident on the review page (target 40 MB); CPU in 5 s of nothing: {used * 1e3:.0f} ms")
        os.write(fd, b"\x03")
        os.waitpid(pid, 0)
        os.close(fd)


def round_trips():
    peer = SHARED / "peer-cloud/peer_cloud.py"
    try:
        import moto, botocore  # noqa: F401
    except ImportError:
        return print("round trips: this python lacks peer-cloud's requirements, not measured")
    if not peer.exists():
        return print("round trips: no peer-cloud here, not measured")
    took = {}
    for latency in (0, 400):
        with tempfile.TemporaryDirectory() as folder:
            server = subprocess.Popen([sys.executable, str(peer), "--port", "0", "--studio", str(SHARED / "peer-cloud/studios/fresh.json"), "--latency-ms", str(latency)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            url = server.stdout.readline().strip().rsplit(" ", 1)[1]
            pathlib.Path(folder, "studiolink.toml").write_text('schema = 1\n[aws]\nregion = "us-west-2"\n[queue]\nfarm = "farm-00000000000000000000000000000001"\nqueue = "queue-00000000000000000000000000000001"\n[conda]\nchannels = ["deadline-cloud", "s3://ynput-conda-channel/ayon"]\n[server]\nurl = "http://127.0.0.1:9"\n')
            env = {"PATH": os.environ["PATH"], "HOME": folder, "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "t", "AWS_SECRET_ACCESS_KEY": "t", "AWS_EC2_METADATA_DISABLED": "true"}
            times = []
            for _ in range(5):
                began = time.perf_counter()
                done = subprocess.run([str(BINARY), "plan"], cwd=folder, env=env, capture_output=True)
                times.append(time.perf_counter() - began)
                assert done.returncode == 10, done.stderr
            took[latency] = min(times)
            server.kill()
            server.wait()
    trips = (took[400] - took[0]) / 0.4
    print(f"plan of a known queue: {took[0] * 1e3:.0f} ms without latency, {took[400] * 1e3:.0f} ms with 400 ms each: {trips:.2f} dependent round trips (target 4)")


first_frames()
memory_and_idle()
round_trips()
