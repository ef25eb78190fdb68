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
    assert unknown["server-certificate"][0] == "fail" and "issuer is unknown" in unknown["server-certificate"][1]
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
