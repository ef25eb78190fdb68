"""The direct path against the AYON stand-in: plain and TLS, right and wrong."""
import datetime
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from conftest import KEY, SHARED, Server


def certificate(folder, name, days=30):
    """A self-signed server certificate for a name; negative days: expired so long ago."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"studiolink test {name}")])
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days, hours=1)
    built = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(x509.random_serial_number())
             .not_valid_before(end - datetime.timedelta(days=90)).not_valid_after(end)
             .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
             .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True).sign(key, hashes.SHA256()))
    cert, secret = folder / f"{name}.pem", folder / f"{name}.key"
    cert.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return cert, secret


def chained(folder, name):
    """A certificate by an intermediate one of a private root, which says where the intermediate is found: root, leaf alone, whole chain, key."""
    def made(subject, issuer, key, by, ca, more=()):
        now = datetime.datetime.now(datetime.timezone.utc)
        as_name = lambda n: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, n)])
        b = (x509.CertificateBuilder().subject_name(as_name(subject)).issuer_name(as_name(issuer)).public_key(key.public_key())
             .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=60))
             .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
        for extension in more:
            b = b.add_extension(extension, critical=False)
        return b.sign(by, hashes.SHA256())
    root_key, middle_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root = made("Test Root", "Test Root", root_key, root_key, True)
    middle = made("Test Middle", "Test Root", middle_key, root_key, True)
    issuer_at = x509.AuthorityInformationAccess([x509.AccessDescription(x509.oid.AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier("http://127.0.0.1:9/middle.crt"))])
    leaf = made("leaf", "Test Middle", key, middle_key, False, [x509.SubjectAlternativeName([x509.DNSName(name)]), issuer_at])
    pem = lambda c: c.public_bytes(serialization.Encoding.PEM)
    files = {"root": pem(root), "leaf": pem(leaf), "whole": pem(leaf) + pem(middle),
             "key": key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())}
    for part, text in files.items():
        (folder / f"{part}.pem").write_bytes(text)
    return [folder / f"{part}.pem" for part in files]


def test_a_missing_intermediate_certificate_is_named_as_such(studio_of, tmp_path):
    s = studio_of()
    root, leaf, whole, key = chained(tmp_path, "localhost")
    for sent, verdict, part in ((whole, "ok", "Certificate for localhost"), (leaf, "fail", "without the intermediate certificate")):
        server = ayon("--tls-cert", sent, "--tls-key", key)
        found = findings(s, server.url.replace("127.0.0.1", "localhost"), SSL_CERT_FILE=str(root))
        assert found["server-certificate"][0] == verdict and part in found["server-certificate"][1], found
        server.stop()


def test_plain_http_at_a_tls_port_says_so(studio_of, tmp_path):
    s = studio_of()
    cert, key = certificate(tmp_path, "localhost")
    server = ayon("--tls-cert", cert, "--tls-key", key)
    found = findings(s, server.url.replace("https://127.0.0.1", "http://localhost"))
    assert found["server-info"][0] == "fail" and "speaks TLS, and was asked over plain http" in found["server-info"][1], found
    server.stop()


def test_everything_is_tested_through_the_proxy(studio_of, tmp_path):
    """A whole workstation behind a proxy: the stand-in's name is not to be resolved, and the proxy leads to it."""
    import socketserver, threading
    s = studio_of()
    cert, key = certificate(tmp_path, "localhost")
    server = ayon("--tls-cert", cert, "--tls-key", key)
    port = int(server.url.rsplit(":", 1)[1])
    asked = []

    class Proxy(socketserver.StreamRequestHandler):
        def handle(self):
            import select, socket
            line = self.rfile.readline().decode()
            while self.rfile.readline().strip():
                pass
            asked.append(line.split()[1])
            with socket.create_connection(("127.0.0.1", port)) as out:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                while True:
                    ready, _, _ = select.select([self.connection, out], [], [], 10)
                    for one in ready:
                        data = one.recv(65536)
                        if not data:
                            return
                        (out if one is self.connection else self.connection).sendall(data)
                    if not ready:
                        return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{proxy.server_address[1]}"
        found = findings(s, "https://localhost", HTTPS_PROXY=address, SSL_CERT_FILE=str(cert))
        proxy.shutdown()
    for check in ("server-port", "server-certificate"):
        assert found[check][0] == "ok" and f"through the proxy {address} (HTTPS_PROXY)" in found[check][1], found
    assert found["server-info"][0] == found["server-key"][0] == "ok", found
    assert set(asked) == {"localhost:443"}, asked
    server.stop()


def findings(s, url, **env):
    text = (s.folder / "studiolink.toml").read_text().replace(s.ayon.url, url)
    (s.folder / "studiolink.toml").write_text(text)
    done = s.run("audit", "--format", "json", **env)
    s.write()
    found = json.loads(done.stdout)["findings"]
    return {f["check"]: (f["verdict"], f["message"] + " " + (f["why"] or "")) for f in found if f["check"].startswith("server-") and f["check"] != "server-url"}


def ayon(*args):
    return Server(SHARED / "ayon-stand-in/ayon_stand_in.py", "--key", KEY, *args)


def test_tls(studio_of, tmp_path):
    s = studio_of()
    good, good_key = certificate(tmp_path, "localhost")
    server = ayon("--tls-cert", good, "--tls-key", good_key)
    url = server.url.replace("127.0.0.1", "localhost")
    trusted = findings(s, url, SSL_CERT_FILE=str(good))
    assert {v for v, _ in trusted.values()} == {"ok"}, trusted
    assert "30 days" in trusted["server-certificate"][1]
    unknown = findings(s, url)
    assert unknown["server-certificate"][0] == "fail" and "self-signed" in unknown["server-certificate"][1]
    assert unknown["server-info"][0] == "not-reached" and "Not reached" in unknown["server-info"][1]
    assert unknown["server-key"][0] == "not-reached", "the key is not sent to a server that is not trusted"
    other, other_key = certificate(tmp_path, "ayon.example.com")
    wrong = ayon("--tls-cert", other, "--tls-key", other_key)
    named = findings(s, wrong.url.replace("127.0.0.1", "localhost"), SSL_CERT_FILE=str(other))
    assert named["server-certificate"][0] == "fail" and "for another name" in named["server-certificate"][1], named
    plain = ayon()
    not_tls = findings(s, plain.url.replace("http://127.0.0.1", "https://localhost"))
    assert not_tls["server-certificate"][0] == "fail" and "not TLS" in not_tls["server-certificate"][1], not_tls
    for server in (server, wrong, plain):
        server.stop()


def test_an_expired_certificate(studio_of, tmp_path):
    s = studio_of()
    cert, key = certificate(tmp_path, "localhost", days=-10)
    server = ayon("--tls-cert", cert, "--tls-key", key)
    old = findings(s, server.url.replace("127.0.0.1", "localhost"), SSL_CERT_FILE=str(cert))
    assert old["server-certificate"][0] == "fail" and "expired on" in old["server-certificate"][1], old
    server.stop()


@pytest.mark.parametrize("fault,check,verdict,part", [
    ({"path": "/api/info", "kind": "page"}, "server-info", "fail", "a page that is not AYON's"),
    ({"path": "/api/info", "kind": "500"}, "server-info", "fail", "HTTP 500"),
    ({"path": "/api/info", "kind": "drop"}, "server-info", "unknown", ""),
    ({"path": "/api/users/me", "kind": "hang"}, "server-key", "unknown", "Could not test the key"),
    ({"path": "/api/users/me", "kind": "500"}, "server-key", "unknown", "Could not test the key"),
])
def test_what_answers_is_not_always_ayon(studio_of, fault, check, verdict, part):
    s = studio_of()
    server = ayon("--faults", json.dumps([{**fault, "count": 99}]))
    found = findings(s, server.url)
    assert found[check][0] == verdict and part in found[check][1], found
    server.stop()


def test_keys(studio_of):
    s = studio_of()
    wrong = findings(s, s.ayon.url, AYON_API_KEY="f" * 32)
    assert wrong["server-key"][0] == "fail" and "AYON does not accept the key" in wrong["server-key"][1], wrong
    artist = findings(s, s.ayon.url, AYON_API_KEY="ARTIST_API_KEY")
    assert artist["server-key"][0] == "warn" and "not a service user" in artist["server-key"][1], artist
    none = findings(s, s.ayon.url, AYON_API_KEY="")
    assert none["server-key"][0] == "skipped" and "no API key was given" in none["server-key"][1], none


def test_a_closed_port_is_a_failure_and_what_lies_behind_it_is_not_reached(studio_of):
    from conftest import closed_port
    s = studio_of()
    found = findings(s, f"http://127.0.0.1:{closed_port()}")
    assert found["server-port"][0] == "fail" and "refuses" in found["server-port"][1]
    assert found["server-info"][0] == found["server-key"][0] == "not-reached"
