"""The scripts of deploy/, run for real: secrets, accounts on a node with security on, entrypoint, archive."""

import importlib.util
import json
import os
import shutil
import ssl
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
import yaml
from cryptography.fernet import Fernet
from elasticsearch import AuthenticationException, AuthorizationException, Elasticsearch
from rich.console import Console

from index_config.local_node import ensure
from index_config.node_folder import prepare
from index_config.node_prerequisites import account
from index_config.node_process import Node
from narrawatch import settings as settings_module

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
SCRIPTS = [path for path in sorted(DEPLOY.iterdir()) if path.is_file() and path.read_bytes().startswith(b"#!/bin/sh")]


def load(name):
    spec = importlib.util.spec_from_file_location(name, DEPLOY / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


make_secrets = load("make_secrets")
make_accounts = load("make_accounts")


def run(*command, environ=None, **options):
    options = {"capture_output": True, "text": True, "timeout": 120} | options
    return subprocess.run(
        [str(word) for word in command], env={"PATH": os.environ["PATH"], **(environ or {})}, check=False, **options
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shell_scripts_are_sound(script):
    assert os.access(script, os.X_OK)
    checks = [["sh", "-n"], *([["shellcheck"]] if shutil.which("shellcheck") else [])]
    for check in checks:
        done = run(*check, script)
        assert done.returncode == 0, done.stdout + done.stderr


def contents(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_secrets_are_made_once(tmp_path):
    assert set(make_secrets.create(tmp_path)) == {*make_secrets.MADE, "ca.crt", "elasticsearch.crt"}
    before = contents(tmp_path)
    assert make_secrets.create(tmp_path) == []
    assert contents(tmp_path) == before


def test_no_two_installations_and_no_two_secrets_are_alike(tmp_path):
    values = []
    for name in ("one", "two"):
        make_secrets.create(tmp_path / name)
        values += [(tmp_path / name / "all" / file).read_text() for file in make_secrets.MADE]
    assert len(set(values)) == len(values)
    kept = tmp_path / "one" / "all"
    Fernet((kept / "airflow_fernet_key").read_text())
    assert len((kept / "airflow_jwt_secret").read_bytes()) >= 64, "Airflow signs with HS512"
    assert all(
        len((kept / file).read_text()) >= 32
        for file in make_secrets.MADE
        if file.startswith("kibana_") and file.endswith("_key")
    )


def test_each_service_sees_its_own_part_only(tmp_path):
    make_secrets.create(tmp_path)
    values = {path.name: path.read_text() for path in (tmp_path / "all").iterdir()}
    wanted = {
        "elasticsearch": {"ca.crt", "elasticsearch.crt", "elasticsearch.key", "elastic_password"},
        "kibana": {
            "ca.crt",
            "kibana_system_password",
            "kibana_saved_objects_key",
            "kibana_reporting_key",
            "kibana_session_key",
        },
        "postgres": {"postgres_password"},
        "airflow": {"postgres_password", "airflow_fernet_key", "airflow_jwt_secret", "airflow_secret_key"},
        "narrawatch": {"ca.crt", "narrawatch_password"},
    }
    for name, allowed in wanted.items():
        text = "".join(path.read_text() for path in (tmp_path / name).iterdir())
        assert {secret for secret, value in values.items() if value in text} == allowed, name


def test_modes_and_owners(tmp_path):
    make_secrets.create(tmp_path)
    owners = {
        "all": 50000,
        "airflow": 50000,
        "narrawatch": 50000,
        "elasticsearch": 1000,
        "kibana": 1000,
        "postgres": 999,
    }
    assert {path.name for path in tmp_path.iterdir()} == set(owners)
    for name, owner in owners.items():
        for path in (tmp_path / name, *(tmp_path / name).iterdir()):
            status = path.stat()
            assert stat.S_IMODE(status.st_mode) == (0o700 if path.is_dir() else 0o400), path
            assert status.st_uid == (owner if os.geteuid() == 0 else os.geteuid()), path


def test_goes_on_where_it_was_cut_short(tmp_path):
    make_secrets.create(tmp_path)
    before = contents(tmp_path)
    (tmp_path / "all/analyst_password").unlink()
    (tmp_path / "kibana/kibana.yml").unlink()
    (tmp_path / "all/.analyst_password.new").write_text("half")
    assert make_secrets.create(tmp_path) == ["analyst_password"]
    after = contents(tmp_path)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {"all/analyst_password"}


def test_certificates_are_renewed_before_they_end(tmp_path, monkeypatch):
    monkeypatch.setattr(make_secrets, "_SERVER_DAYS", 100)
    make_secrets.create(tmp_path)
    old = contents(tmp_path)
    monkeypatch.undo()
    assert make_secrets.create(tmp_path) == ["elasticsearch.crt"], "100 days are less than a quarter of two years"
    new = contents(tmp_path)
    assert {name for name in new if new[name] != old[name]} == {
        "all/elasticsearch.crt",
        "elasticsearch/elasticsearch.crt",
    }
    assert make_secrets.create(tmp_path) == []


def test_show_tells_what_to_log_in_with(tmp_path):
    script = DEPLOY / "make_secrets.py"
    missing = run(sys.executable, script, "show", tmp_path)
    assert missing.returncode == 1
    assert missing.stderr.endswith("is missing; make the secrets first, with `create`\n")
    assert run(sys.executable, script, "create", tmp_path).returncode == 0
    shown = run(sys.executable, script, "show", tmp_path).stdout
    for name in ("analyst_password", "elastic_password", "airflow_admin_password"):
        assert (tmp_path / "all" / name).read_text() in shown
    assert (tmp_path / "all/narrawatch_password").read_text() not in shown


def test_entrypoint_turns_files_into_variables(tmp_path):
    (tmp_path / "password").write_text("p w$'\"\\")
    environ = {"ELASTICSEARCH_PASSWORD_FILE": str(tmp_path / "password"), "KIBANA_PASSWORD": "kept"}
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    done = run(DEPLOY / "entrypoint", sys.executable, "-c", show, environ=environ)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["ELASTICSEARCH_PASSWORD"], found["KIBANA_PASSWORD"]) == ("p w$'\"\\", "kept")
    assert "ELASTICSEARCH_API_KEY" not in found


def test_entrypoint_says_what_it_cannot_read(tmp_path):
    done = run(DEPLOY / "entrypoint", "true", environ={"KIBANA_PASSWORD_FILE": str(tmp_path / "none")})
    assert done.returncode == 1
    assert done.stderr == f"entrypoint: KIBANA_PASSWORD_FILE names {tmp_path / 'none'}, which cannot be read\n"


@pytest.fixture
def volumes(tmp_path):
    """What the service `archive` sees, and the variables that lead it there."""
    for name in ("elasticsearch-data", "postgres-data", "secrets"):
        (tmp_path / "volumes" / name).mkdir(parents=True)
        (tmp_path / "volumes" / name / "file").write_text(name)
    (tmp_path / "volumes/secrets/file").chmod(0o400)
    (tmp_path / "backup").mkdir()
    return {"VOLUMES": str(tmp_path / "volumes"), "FOLDER": str(tmp_path / "backup")}


def test_archive_saves_and_restores(volumes):
    saved = run(DEPLOY / "archive", "save", environ=volumes)
    assert saved.returncode == 0, saved.stderr
    path = Path(saved.stdout.strip())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600, "it holds every password"
    with tarfile.open(path) as tar:
        assert "./secrets/file" in tar.getnames()
    before = contents(Path(volumes["VOLUMES"]))
    (Path(volumes["VOLUMES"]) / "postgres-data/file").write_text("changed")
    (Path(volumes["VOLUMES"]) / "postgres-data/added").write_text("since")
    restored = run(DEPLOY / "archive", "restore", path.name, environ=volumes)
    assert restored.returncode == 0, restored.stderr
    assert contents(Path(volumes["VOLUMES"])) == before
    assert stat.S_IMODE((Path(volumes["VOLUMES"]) / "secrets/file").stat().st_mode) == 0o400


def test_archive_refuses_while_the_database_runs(volumes):
    (Path(volumes["VOLUMES"]) / "postgres-data/postmaster.pid").touch()
    done = run(DEPLOY / "archive", "save", environ=volumes)
    assert done.returncode == 1
    assert "docker compose stop" in done.stderr
    assert not list(Path(volumes["FOLDER"]).iterdir())


def test_archive_changes_nothing_when_the_file_is_damaged(volumes):
    path = Path(run(DEPLOY / "archive", "save", environ=volumes).stdout.strip())
    path.write_bytes(path.read_bytes()[:-9])
    before = contents(Path(volumes["VOLUMES"]))
    done = run(DEPLOY / "archive", "restore", path.name, environ=volumes)
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert contents(Path(volumes["VOLUMES"])) == before


class Secured:
    """The local release, configured as docker-compose.yml configures Elasticsearch, with secrets of its own."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.url = f"https://localhost:{port}"
        self.secrets = folder / "made"
        make_secrets.create(self.secrets)
        self.authority = self.secrets / "all/ca.crt"
        self.release, self.jdk = ensure(settings_module.load().cache, Console(stderr=True))
        self.service = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]["elasticsearch"]
        self.node = Node(folder, port)

    def password(self, user):
        return (self.secrets / "all" / f"{user}_password").read_text()

    def start(self):
        owner = account()
        prepare(self.folder, self.release, owner, host="127.0.0.1", port=self.port)
        config = self.folder / "config"
        told = {name: value for name, value in self.service["environment"].items() if "." in name}
        settings = yaml.safe_load((config / "elasticsearch.yml").read_text("utf-8")) | told
        lines = [f"{name}: {json.dumps(value)}\n" for name, value in settings.items()]
        (config / "elasticsearch.yml").write_text("".join(lines), "utf-8")
        shutil.copytree(self.secrets / "elasticsearch", config / "secrets")
        for path in (config / "secrets", *(config / "secrets").iterdir()):
            os.chown(path, owner.uid, owner.gid)
        self.keystore(owner, "create")
        self.keystore(owner, "add", "--stdin", "bootstrap.password", input=self.password("elastic"))
        self.node._launch(self.release, self.jdk, owner)

    def keystore(self, owner, *words, **options):
        """As the image's entrypoint does with ELASTIC_PASSWORD_FILE."""
        home = self.release
        options = {**options, **owner.arguments, "cwd": home}
        java = [
            self.jdk / "bin/java",
            "-Xmx64m",
            "-Dcli.name=keystore",
            "-Dcli.script=",
            "-Dcli.libs=lib/tools/keystore-cli",
        ]
        java += [f"-Des.path.home={home}", f"-Des.path.conf={self.folder / 'config'}", "-Des.distribution.type=tar"]
        java += ["-cp", f"{home}/lib/*:{home}/lib/cli-launcher/*", "org.elasticsearch.launcher.CliToolLauncher"]
        done = run(*java, *words, **options)
        assert done.returncode == 0, done.stdout + done.stderr

    def healthy(self):
        """The health check of docker-compose.yml, word for word but for folder and port."""
        command = self.service["healthcheck"]["test"][1]
        command = command.replace("/usr/share/elasticsearch/config", str(self.folder / "config")).replace(
            "9200", str(self.port)
        )
        return run("sh", "-c", command.replace("$$", "$")).returncode == 0

    def client(self, user, password=None):
        return Elasticsearch(
            self.url,
            ca_certs=str(self.authority),
            basic_auth=(user, password or self.password(user)),
            max_retries=0,
        )

    def environ(self, user, home):
        return {
            "ELASTICSEARCH_URL": self.url,
            "ELASTICSEARCH_CA": str(self.authority),
            "ELASTICSEARCH_USER": user,
            "ELASTICSEARCH_PASSWORD_FILE": str(self.secrets / "all" / f"{user}_password"),
            "NARRAWATCH_HOME": str(home),
        }


@pytest.fixture(scope="module")
def secured(free_port):
    folder = Path(tempfile.mkdtemp(prefix="narrawatch-secured-"))
    folder.chmod(0o755)  # the node's user, `nobody` when we are root, must get in; pytest's folders are closed
    ours = Secured(folder, free_port())
    try:
        ours.start()
        for _ in range(240):
            if ours.healthy():
                break
            assert ours.node.processes(), ours.node.log.read_text()[-2000:]
            time.sleep(0.5)
        else:
            pytest.fail(f"not healthy: {ours.node.log.read_text()[-2000:]}")
        done = run(sys.executable, DEPLOY / "make_accounts.py", ours.secrets / "all", environ=accounts_environ(ours))
        assert done.returncode == 0, done.stderr
        yield ours
    finally:
        ours.node.stop()
        shutil.rmtree(folder)


def accounts_environ(secured):
    return {"ELASTICSEARCH_URL": secured.url, "ELASTICSEARCH_CA": str(secured.authority)}


def test_nobody_gets_in_without_a_password_or_another_authority(secured):
    for authority, wanted in ((str(secured.authority), urllib.error.HTTPError), (None, urllib.error.URLError)):
        with pytest.raises(wanted) as refused:
            urllib.request.urlopen(secured.url, context=ssl.create_default_context(cafile=authority), timeout=10)
        if isinstance(refused.value, urllib.error.HTTPError):
            assert refused.value.code == 401
            refused.value.close()
    with secured.client("elastic", "wrong") as client, pytest.raises(AuthenticationException):
        client.info()


def test_everybody_else_reaches_the_web_side_only(secured):
    listening = {
        connection.laddr.ip
        for process in secured.node.processes()
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port != secured.port
    }
    assert listening
    assert all(address.removeprefix("::ffff:") in {"127.0.0.1", "::1"} for address in listening)


def test_accounts_are_as_they_should_be_again_and_again(secured):
    done = run(sys.executable, DEPLOY / "make_accounts.py", secured.secrets / "all", environ=accounts_environ(secured))
    assert done.returncode == 0, done.stderr
    for user, role in (
        ("narrawatch", "narrawatch_service"),
        ("narrawatch_setup", "kibana_admin"),
        ("kibana_system", "kibana_system"),
        ("analyst", "narrawatch_analyst"),
    ):
        with secured.client(user) as client:
            assert client.security.authenticate()["roles"] == [role]


def test_our_commands_work_with_their_own_rights(secured, tmp_path):
    """Setting up, and the whole demo: crawl, process, match, flags."""
    command = Path(sys.executable).with_name("narrawatch")
    environ = secured.environ("narrawatch", tmp_path)
    for arguments in (["setup"], ["status"], ["demo"]):
        done = run(DEPLOY / "entrypoint", command, *arguments, environ=environ)
        assert done.returncode == 0, done.stdout + done.stderr
    with secured.client("narrawatch") as client:
        assert client.count(index="narrawatch-demo-flags")["count"] > 0
        with pytest.raises(AuthorizationException):
            client.indices.create(index="other")
        with pytest.raises(AuthorizationException):
            client.security.get_user()


def test_an_analyst_reads_and_does_not_write(secured, tmp_path):
    command = Path(sys.executable).with_name("narrawatch")
    done = run(DEPLOY / "entrypoint", command, "setup", environ=secured.environ("narrawatch", tmp_path))
    assert done.returncode == 0, done.stderr
    with secured.client("analyst") as client:
        assert client.count(index="narrawatch-flags")["count"] == 0
        with pytest.raises(AuthorizationException):
            client.index(index="narrawatch-verdicts", document={})
        with pytest.raises(AuthorizationException):
            client.search(index=".security-7")


def test_a_changed_password_of_a_person_is_kept(secured):
    with secured.client("analyst") as client:
        client.security.change_password(password="chosen by the analyst")
    with secured.client("elastic") as client:
        make_accounts.create(client, "narrawatch-", secured.secrets / "all")
    with secured.client("analyst", "chosen by the analyst") as client:
        assert client.security.authenticate()["username"] == "analyst"
        client.security.change_password(password=secured.password("analyst"))


def test_data_of_another_installation_is_told(secured, tmp_path, monkeypatch):
    make_secrets.create(tmp_path)
    monkeypatch.setattr(make_accounts, "_PATIENCE", 0)
    for name, value in accounts_environ(secured).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(make_accounts.NarrawatchError, match="does not know the generated password of `elastic`"):
        make_accounts.main(tmp_path / "all")


def test_an_empty_prefix_is_refused():
    with pytest.raises(make_accounts.NarrawatchError, match="NARRAWATCH_INDEX_PREFIX is empty"):
        make_accounts.roles("")
