# terraform test: plans only, against a mocked provider. No Docker host is asked.

mock_provider "docker" {}

variables {
  secrets_dir = "/etc/cordwood/secrets"
}

run "two_apis_two_workers_one_query" {
  command = plan

  assert {
    condition     = toset(keys(docker_container.service)) == toset(["api-0", "api-1", "worker-0", "worker-1", "query-0"])
    error_message = "two apis, two workers, one query"
  }
  assert {
    condition     = alltrue([for each in docker_container.service : each.read_only && each.user == "10001:10001"])
    error_message = "services are read-only and without root"
  }
  assert {
    condition     = alltrue([for each in docker_container.server : each.read_only && each.user != "0:0" && length(each.ports) == 0])
    error_message = "servers are read-only, without root, and reachable from within only"
  }
  assert {
    condition     = docker_network.back.internal
    error_message = "the inner network has no way out"
  }
}

run "as_many_as_asked_for" {
  command = plan

  variables {
    replicas = { api = 3, worker = 4, query = 2 }
  }

  assert {
    condition     = length(docker_container.service) == 9
    error_message = "3 + 4 + 2"
  }
}

run "segments_are_shared" {
  command = plan

  variables {
    keep = "both"
  }

  assert {
    condition     = local.settings.CORDWOOD_STORE_SEGMENTS_DIR == "/var/lib/cordwood-segments" && length(docker_container.prepare) == 1
    error_message = "workers and queries share a volume of segments"
  }
}

run "no_plain_http_to_the_world" {
  command         = plan
  expect_failures = [var.listen_address]

  variables {
    listen_address = "0.0.0.0"
  }
}

run "a_secret_among_the_settings" {
  command         = plan
  expect_failures = [var.settings]

  variables {
    settings = { CORDWOOD_BROKER_URL = "amqp://cordwood:secret@rabbitmq/" }
  }
}
