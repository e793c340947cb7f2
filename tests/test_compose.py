"""docker-compose.yml and the image: commands, paths, variables and ports agree with the code, and nothing is left open."""

import dataclasses
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from index_config.node_prerequisites import UNPACKED
from narrawatch import airflow_environment, local_airflow
from narrawatch import settings as settings_module
from narrawatch.cli import cli

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docker-compose.yml"
CONTACT = "NARRAWATCH_USER_AGENT_CONTACT"
OURS = "narrawatch:0.1.0"
PUBLISHED = {"kibana": "127.0.0.1:5601:5601", "airflow-api-server": "127.0.0.1:8080:8080"}
ROOT_WITHOUT_NETWORK = {"secrets", "archive"}
FIELDS = {field.metadata["env"]: field.metadata for field in dataclasses.fields(settings_module.Settings)}
SECRET = {env for env, about in FIELDS.items() if about["secret"]}


def interpolate(text, environ):
    """What Compose makes of ${NAME:-default}, ${NAME:?message} and $$."""

    def value(found):
        name, kind, rest = found["name"], found["kind"], found["rest"]
        if found[0] == "$$":
            return "$"
        if environ.get(name):
            return environ[name]
        assert kind == ":-", f"{name} is not set: {rest}"
        return rest

    return re.sub(r"\$\$|\$\{(?P<name>\w+)(?P<kind>:[-?])(?P<rest>[^}]*)\}", value, text)


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(interpolate(FILE.read_text("utf-8"), {CONTACT: "https://example.org"}))


@pytest.fixture(scope="module")
def services(compose):
    return compose["services"]


@pytest.fixture(scope="module")
def ours(services):
    """The services that run our image."""
    return {name: service for name, service in services.items() if service["image"] == OURS}


@pytest.fixture(scope="module")
def make_secrets():
    spec = importlib.util.spec_from_file_location("make_secrets", ROOT / "deploy" / "make_secrets.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def mounts(service):
    """Target → (source, mode) of what a service mounts."""
    parts = [volume.split(":") for volume in service.get("volumes", ())]
    return {part[1]: (part[0], part[2] if len(part) > 2 else "rw") for part in parts}


def run_compose(program, environ, *arguments):
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environ}
    command = [*program, "-f", str(FILE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environ, cwd=ROOT, timeout=60, check=False)


def programs():
    """Compose 1 and Compose 2, as far as this machine has them."""
    plugin = (
        shutil.which("docker")
        and subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    )
    return [["docker-compose"]] * bool(shutil.which("docker-compose")) + [["docker", "compose"]] * bool(plugin)


def test_compose_accepts_it():
    if not programs():
        pytest.skip("neither docker-compose nor docker compose is installed; only the schema was checked")
    for program in programs():
        done = run_compose(program, {CONTACT: "https://example.org"}, "config", "--quiet")
        assert done.returncode == 0, done.stderr
        assert not done.stderr, "no warnings either"


def test_compose_demands_a_contact():
    if not programs():
        pytest.skip("neither docker-compose nor docker compose is installed")
    if (ROOT / ".env").exists():
        pytest.skip("this checkout has an .env")
    for program in programs():
        done = run_compose(program, {}, "config", "--quiet")
        assert done.returncode != 0
        assert CONTACT in done.stderr
        assert "write into .env a web or mail address" in done.stderr


def test_schema():
    checker = Path(sys.executable).with_name("check-jsonschema")
    if not checker.exists():
        pytest.skip("check-jsonschema, which brings the schema of the Compose Specification, is not installed")
    command = [checker, "--builtin-schema", "vendor.compose-spec", FILE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_images_are_pinned(services):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    elasticsearch = UNPACKED.rpartition("-")[2]
    assert {service["image"] for service in services.values()} == {
        f"narrawatch:{project['version']}",
        f"elasticsearch:{elasticsearch}",
        f"kibana:{elasticsearch}",
        "postgres:17.11",
    }
    airflow = project["optional-dependencies"]["airflow"][0].removeprefix("apache-airflow==")
    bases = re.findall(r"^FROM (\S+)", (ROOT / "deploy/Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert set(bases) == {f"apache/airflow:{airflow}-python3.12"}


def test_built_once(services):
    built = {name: service["build"] for name, service in services.items() if "build" in service}
    assert list(built) == ["secrets"], "one service builds the image that the others use"
    assert (ROOT / built["secrets"]["dockerfile"]).is_file()


def test_published_on_loopback_only(compose, services):
    assert {name: service["ports"] for name, service in services.items() if "ports" in service} == {
        name: [port] for name, port in PUBLISHED.items()
    }
    assert compose["networks"]["inside"] == {"internal": True}
    assert not any("network_mode" in service and service["network_mode"] != "none" for service in services.values())
    inside_only = {name for name, service in services.items() if service.get("networks") == ["inside"]}
    assert inside_only >= {"elasticsearch", "postgres", "accounts", "setup"}


def test_nobody_has_rights_he_does_not_need(services):
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.keys() & {"privileged", "devices", "pid", "ipc", "userns_mode"}, name
        if name in ROOT_WITHOUT_NETWORK:
            assert service["user"] == "0:0"
            assert service["network_mode"] == "none"
            assert service["read_only"] is True
        else:
            assert not service["user"].startswith("0"), name
            assert "cap_add" not in service, name
        assert not any("docker.sock" in volume for volume in service.get("volumes", ())), name


def test_bounded(services):
    for name, service in services.items():
        assert re.fullmatch(r"\d+[mg]", service["mem_limit"]), name
        assert service["logging"]["options"]["max-size"], name


def test_health_and_order(services):
    for name, service in services.items():
        lasting = service["restart"] == "unless-stopped"
        assert lasting or service["restart"] == "no", name
        assert lasting == ("healthcheck" in service), f"{name}: what keeps running has a health check"
        for other, wanted in service.get("depends_on", {}).items():
            needs = "service_healthy" if "healthcheck" in services[other] else "service_completed_successfully"
            assert wanted == {"condition": needs}, (name, other)
            assert "profiles" not in services[other], f"{name} waits for {other}, which is not started"


def test_volumes_and_paths(compose, services):
    named = {source for service in services.values() for source, _ in mounts(service).values() if source[0] != "."}
    assert named == set(compose["volumes"])
    for name, service in services.items():
        for target, (source, mode) in mounts(service).items():
            if source[0] == "." and name != "archive":
                assert (ROOT / source).is_dir(), source
                assert mode == "ro", f"{name}: {target}"
            if source.startswith("secrets") and name not in ROOT_WITHOUT_NETWORK:
                assert mode == "ro", f"{name}: {target}"
    kept = {"elasticsearch-data", "narrawatch-home", "postgres-data", "secrets"}
    assert {source for source, _ in mounts(services["archive"]).values() if source[0] != "."} == kept


def test_secret_files_are_made(services, make_secrets):
    """Each file a service names is in the volume it mounts; each volume belongs to the user who reads it."""
    values = dict.fromkeys((*make_secrets.MADE, "ca.crt", "elasticsearch.crt"), "")
    parts = make_secrets.parts(values)
    handed_out = {target: source for target, (source, _) in mounts(services["secrets"]).items()}
    assert handed_out == {"/secrets/all": "secrets"} | {f"/secrets/{name}": f"secrets-{name}" for name in parts}
    for name, service in services.items():
        if name in ROOT_WITHOUT_NETWORK:
            continue
        text = json.dumps([service.get(key) for key in ("environment", "command", "healthcheck")])
        for target, (source, _) in mounts(service).items():
            if source.startswith("secrets"):
                part = parts.get(source.removeprefix("secrets-"))
                files, owner = (part.files, part.owner) if part else (values, make_secrets.AIRFLOW)
                named = set(re.findall(re.escape(target) + r"/([\w.]+)", text))
                assert named <= set(files), (name, target)
                assert service["user"].split(":")[0] == str(owner), name
                text = text.replace(target, "")
        assert not re.findall(r"/run/\w+/\w+", text), f"{name} names a secret it does not mount"


def test_no_secret_is_written_down(services):
    telling = re.compile(r"PASSWORD|SECRET|TOKEN|KEY|CONN\b", re.IGNORECASE)
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if telling.search(variable) and value not in {"true", "false"}:
                assert variable.endswith(("_FILE", "_CMD", "ssl.key")), (name, variable)
    assert not telling.search(re.sub(r"deploy/make_secrets\.py", "", (ROOT / "deploy/Dockerfile").read_text("utf-8")))
    assert not re.search(r"://[^/\s:]+:[^/\s@]+@", FILE.read_text("utf-8"))


def test_variables_are_settings(services, ours, tmp_path):
    for name, service in ours.items():
        environment = service.get("environment", {})
        for variable in environment:
            if variable.startswith(("NARRAWATCH_", "ELASTICSEARCH_", "KIBANA_")):
                as_file = variable.removesuffix("_FILE")
                assert variable in FIELDS or (as_file != variable and as_file in SECRET), (name, variable)
        settings_module.load({key: str(value) for key, value in environment.items()})
    passed = {
        variable.removesuffix("_FILE") for service in ours.values() for variable in service.get("environment", ())
    }
    left_out = {"NARRAWATCH_ALLOW_LOOPBACK", "ELASTICSEARCH_API_KEY", "KIBANA_API_KEY", "KIBANA_CA"}
    assert set(FIELDS) - passed == left_out, "a new setting is passed on, or is left out on purpose"


def test_defaults_are_those_of_the_settings():
    for name, default in re.findall(r"\$\{(\w+):-([^}]*)\}", FILE.read_text("utf-8")):
        if name in FIELDS and name != "NARRAWATCH_OUTLETS":
            assert default == FIELDS[name]["default"], name
        else:
            assert name in {"NARRAWATCH_OUTLETS", "BACKUP_FOLDER"} or name.startswith("MEMORY_"), name


def test_entrypoint_reads_every_secret_setting():
    listed = re.search(r"^for name in (.+); do$", (ROOT / "deploy/entrypoint").read_text("utf-8"), re.MULTILINE)
    assert set(listed[1].split()) == SECRET


def test_addresses(services, make_secrets):
    scheduler, setup = services["airflow-scheduler"]["environment"], services["setup"]["environment"]
    assert setup["KIBANA_URL"] == "http://kibana:5601"
    for url in (scheduler["ELASTICSEARCH_URL"], services["kibana"]["environment"]["ELASTICSEARCH_HOSTS"]):
        assert url == "https://elasticsearch:9200"
    execution = urlsplit(scheduler["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"])
    assert execution.hostname in services
    assert execution.port == local_airflow.PORT
    public = {f"http://{port.rpartition(':')[0]}" for port in PUBLISHED.values()}
    assert {scheduler["AIRFLOW__API__BASE_URL"], services["kibana"]["environment"]["SERVER_PUBLICBASEURL"]} == public
    assert set(re.findall(r"http://[\d.:]+", (ROOT / "deploy/make_secrets.py").read_text("utf-8"))) == public
    names = {name.value for name in make_secrets._NAMES if isinstance(name.value, str)}
    assert names == {"elasticsearch", "localhost"}, "how Elasticsearch is called: by the services, by its health check"


def test_workflows_find_what_they_need(ours):
    for name in ("airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"):
        environment = ours[name]["environment"]
        assert environment["AIRFLOW__NARRAWATCH__CRAWL_POOL"] == airflow_environment.CRAWL_POOL
        assert environment["AIRFLOW__NARRAWATCH__MATCH_POOL"] == airflow_environment.MATCH_POOL
        targets = mounts(ours[name])
        for variable in ("AIRFLOW__CORE__DAGS_FOLDER", "NARRAWATCH_HOME", "NARRAWATCH_OUTLETS"):
            assert environment[variable] in targets, (name, variable)
    assert "ELASTICSEARCH_PASSWORD_FILE" in ours["airflow-scheduler"]["environment"], "tasks run there"
    assert "ELASTICSEARCH_PASSWORD_FILE" not in ours["airflow-api-server"]["environment"]


def our_commands(services):
    """Every `narrawatch` command line of the file: what services run, and what its comments advise."""
    for service in services.values():
        words = [*service.get("entrypoint", ()), *service.get("command", ())]
        if "narrawatch" in words:
            yield words[words.index("narrawatch") + 1 :]
    advised = re.findall(r"docker compose run (?:-\S+ )*--rm (\w+) ([^\n`]*)", FILE.read_text("utf-8"))
    for service, words in advised:
        assert service in services
        arguments = re.split(r"\s{2,}|&&", words)[0].split()
        if service == "narrawatch" or arguments[0] == "narrawatch":
            yield arguments[arguments[0] == "narrawatch" :]


def parse(arguments):
    """Resolve a command line with the real commands; raises click's UsageError when it is wrong."""
    context, command = cli.make_context("narrawatch", [], resilient_parsing=True), cli
    while arguments and hasattr(command, "get_command"):
        name, *arguments = arguments
        if name == "--help":
            return
        command = command.get_command(context, name)
        assert command, f"narrawatch has no command {name}"
    command.make_context(command.name, list(arguments), parent=context)


def test_our_commands_parse(services):
    lines = list(our_commands(services))
    assert ["setup"] in lines
    assert ["setup", "--migrate"] in lines
    for arguments in lines:
        parse(arguments)


AIRFLOW = """
import json, sys
from airflow.configuration import conf
from airflow.cli.cli_parser import get_parser
options, commands = json.load(sys.stdin)
known = conf.configuration_description
for section, key, command in options:
    assert (section, key) in conf.sensitive_config_values if command else key in known[section]["options"], (section, key)
for command in commands:
    get_parser().parse_args(command)
"""


@pytest.mark.skipif(not Path(sys.executable).with_name("airflow").exists(), reason="Airflow is not installed")
def test_airflow_knows_options_and_commands(services, tmp_path):
    options = set()
    for service in services.values():
        for variable in service.get("environment", {}):
            if (found := re.fullmatch(r"AIRFLOW__([A-Z_]+?)__(\w+?)(_CMD)?", variable)) and found[1] != "NARRAWATCH":
                options.add((found[1].lower(), found[2].lower(), bool(found[3])))
    assert len(options) > 10
    commands = [service["command"][1:] for service in services.values() if service.get("command", [""])[0] == "airflow"]
    script = (ROOT / "deploy/prepare-airflow").read_text("utf-8").replace("\\\n", " ")
    commands += [
        shlex.split(line.replace('"$3"', "text").replace("$2", "1"))[1:]
        for line in re.findall(r"^(?:.*\|\| )?(airflow [^|&\n]*)$", script, re.MULTILINE)
    ]
    assert ["db", "migrate"] in commands
    commands = [command for command in commands if command[0] != "users"]  # from a provider only the image has
    health = [service["healthcheck"]["test"][-1] for service in services.values() if "healthcheck" in service]
    commands += [shlex.split(line)[1:] for line in health if line.startswith("airflow ")]
    assert len(commands) == 8
    done = subprocess.run(
        [sys.executable, "-c", AIRFLOW],
        input=json.dumps([sorted(options), commands]),
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__EXECUTOR": "LocalExecutor"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def copied():
    """The sources of the Dockerfile's COPY lines that come from the repository."""
    text = (ROOT / "deploy/Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def test_the_image_gets_what_it_needs(services):
    sources = copied()
    ignore = (ROOT / ".dockerignore").read_text("utf-8").split("\n")
    kept = [line[1:] for line in ignore if line.startswith("!")]
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(source == name or source.startswith(f"{name}/") for name in kept), f".dockerignore hides {source}"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    for pattern in project["tool"]["setuptools"]["packages"]["find"]["include"]:
        assert any(fnmatch(source, pattern) for source in sources), f"the image lacks {pattern}"
    words = [
        word for service in services.values() for key in ("entrypoint", "command") for word in service.get(key, ())
    ]
    scripts = {word.removeprefix("/opt/narrawatch/") for word in words if word.startswith("/opt/narrawatch/deploy/")}
    assert {source for source in sources if source.startswith("deploy/")} - {"deploy/requirements.lock"} == scripts
    for script in scripts:
        assert script.endswith(".py") or os.access(ROOT / script, os.X_OK), script


def pins(path):
    return set(re.findall(r"^([a-z0-9-]+==\S+)", path.read_text("utf-8"), re.MULTILINE))


def test_the_image_has_the_versions_that_were_tested():
    image = pins(ROOT / "deploy/requirements.lock")
    assert image <= pins(ROOT / "requirements.lock"), "make lock"
    names = {pin.partition("==")[0] for pin in image}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert {re.match(r"[\w-]+", line)[0].lower() for line in project["dependencies"]} <= names, "make lock"
    assert "setuptools" in names, "which builds what comes as source"
    assert not names & {"pytest", "mypy", "apache-airflow"}
