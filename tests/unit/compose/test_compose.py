"""docker-compose.yml as its parser sees it: complete, pinned, without secrets, and nothing as root."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "docker-compose.yml"
SERVICES = {
    "postgres",
    "redis",
    "migrate",
    "api-server",
    "scheduler",
    "dag-processor",
    "triggerer",
    "worker",
    "gateway",
    "sandbox",
}
JOBS = {"migrate"}
KNOWN_KEYS = {
    "build",
    "cap_drop",
    "command",
    "depends_on",
    "env_file",
    "environment",
    "healthcheck",
    "image",
    "init",
    "logging",
    "ports",
    "profiles",
    "restart",
    "security_opt",
    "shm_size",
    "stop_grace_period",
    "user",
    "volumes",
}
SECRET = re.compile("PASSWORD|SECRET|TOKEN|API_KEY|FERNET|_CONN$|BROKER_URL|RESULT_BACKEND|DATABASE_URL")
# Switches whose names only speak of secrets.
NO_SECRETS = {"PROVIDERS__ENABLE_AIRFLOW_SECRETS"}
VARIABLE = re.compile(r"\$\{(\w+)(:[?-])?([^}]*)\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(FILE.read_text()))


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(compose["services"])


def test_the_services_are_these(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == SERVICES
    for name, service in services.items():
        assert set(service) <= KNOWN_KEYS, f"{name}: {set(service) - KNOWN_KEYS}"


def test_every_service_is_watched_or_is_a_job(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        check = service["healthcheck"]
        if name in JOBS:
            assert check == {"disable": True}
            assert service["restart"] == "no"
        else:
            assert check["test"][0] in {"CMD", "CMD-SHELL"}, name
            assert {"interval", "timeout", "retries"} <= set(check), name
            assert service["restart"] == "unless-stopped", name


def test_nothing_runs_as_root_or_privileged(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["user"].split(":")[0] not in {"", "0", "root"}, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_images_are_pinned_and_a_site_can_replace_them(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        match = VARIABLE.fullmatch(service["image"])
        assert match, f"{name}: {service['image']} cannot be replaced"
        assert re.search(r":\d+\.\d+(\.\d+)?(-[\w.]+)?$", match[3]), f"{name}: {match[3]} is not pinned"
        if "build" in service:
            (base,) = service["build"]["args"].values()
            assert re.search(r":\d+\.\d+\.\d+", base), f"{name}: {base}"


def test_the_dockerfile_takes_its_base_as_an_argument_and_drops_root() -> None:
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert bases == ["${PYTHON_IMAGE}", "${PYTHON_IMAGE}"]
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]
    assert any("--require-hashes" in line and "requirements.lock" in line for line in " ".join(lines).split("RUN "))


def test_the_dockerfile_copies_only_what_is_there() -> None:
    for line in (ROOT / "deploy" / "Dockerfile").read_text().splitlines():
        words = [word for word in line.split()[1:] if not word.startswith("--")]
        if line.startswith("COPY ") and "--from" not in line:
            for source in words[:-1]:
                assert (ROOT / source).exists(), source


def test_secrets_come_from_the_environment_and_are_required(services: dict[str, dict[str, Any]]) -> None:
    seen = 0
    for name, service in services.items():
        for key, value in service["environment"].items():
            if not SECRET.search(key) or key in NO_SECRETS:
                continue
            seen += 1
            required = [match for match in VARIABLE.finditer(str(value)) if match[2] == ":?"]
            assert required, f"{name}: {key} is not taken from a required variable"
    assert seen > 20


def test_the_file_names_every_required_variable_in_its_example() -> None:
    required = {match[1] for match in VARIABLE.finditer(FILE.read_text()) if match[2] == ":?"}
    example = (ROOT / "deploy" / "compose.env.example").read_text()
    stated = set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    assert required <= stated
    filled = dict(re.findall(r"^(\w+)=(.+)$", example, re.MULTILINE))
    assert not [key for key in filled if SECRET.search(key)]


def test_dependencies_can_come_true(services: dict[str, dict[str, Any]]) -> None:
    waits = {name: service.get("depends_on", {}) for name, service in services.items()}
    for name, others in waits.items():
        for other, wait in others.items():
            assert other in services, f"{name} waits for {other}"
            expected = "service_completed_successfully" if other in JOBS else "service_healthy"
            assert wait["condition"] == expected, f"{name} -> {other}"
            assert not services[other].get("profiles"), f"{name} waits for {other}, which a profile may leave out"
    done: set[str] = set()
    while len(done) < len(waits):
        ready = {name for name, others in waits.items() if set(others) <= done} - done
        assert ready, f"a circle among {set(waits) - done}"
        done |= ready


def test_volumes_are_named_and_used(compose: dict[str, Any], services: dict[str, dict[str, Any]]) -> None:
    mounted = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    named = {volume for volume in mounted if not volume.startswith(".")}
    assert named == set(compose["volumes"])
    for folder in mounted - named:
        assert (ROOT / folder).is_dir(), folder


def test_ports_stay_on_this_machine_unless_said_otherwise(services: dict[str, dict[str, Any]]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(published) == {"api-server", "gateway", "sandbox"}
    for ports in published.values():
        assert all(re.match(r"\$\{\w+_BIND:-127\.0\.0\.1\}:", port) for port in ports)


def test_airflow_settings_exist(services: dict[str, dict[str, Any]], airflow_home: Path) -> None:
    """A misspelt setting is silently ignored by Airflow, so each is looked up in its own list of options."""
    from airflow.configuration import conf

    known = {
        (section.lower(), option.lower())
        for section, options in conf.configuration_description.items()
        for option in options["options"]
    }
    keys = [key for key in services["worker"]["environment"] if key.startswith("AIRFLOW__")]
    assert len(keys) > 10
    for key in keys:
        _, section, option = key.lower().split("__")
        assert (section, option) in known or section == "celery", key


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not here")
def test_compose_itself_reads_the_file() -> None:
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker has no compose plugin here")
    required = {match[1] for match in VARIABLE.finditer(FILE.read_text()) if match[2] == ":?"}
    env = dict.fromkeys(required, "x") | {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    command = ["docker", "compose", "--file", str(FILE), "--profile", "sandbox", "config", "--quiet"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
