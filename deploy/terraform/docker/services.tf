# Cordwood itself: first what runs once and ends, then api, worker and query.

# A new volume belongs to root.
resource "docker_container" "prepare" {
  count = var.keep == "rows" ? 0 : 1

  name          = "${var.name}-prepare"
  image         = docker_image.cordwood.image_id
  entrypoint    = ["chown"]
  command       = [local.user, local.segments_dir]
  user          = "0:0"
  network_mode  = "none"
  read_only     = true
  security_opts = ["no-new-privileges:true"]
  must_run      = false
  attach        = true
  restart       = "no"

  capabilities {
    drop = ["ALL"]
    add  = ["CHOWN"]
  }

  mounts {
    type   = "volume"
    source = docker_volume.segments.name
    target = local.segments_dir
  }

  lifecycle {
    postcondition {
      condition     = self.exit_code == 0
      error_message = "The volume of segments was not handed to Cordwood's user; docker logs ${self.name} says why."
    }
  }
}

resource "docker_container" "migrate" {
  name          = "${var.name}-migrate"
  image         = docker_image.cordwood.image_id
  command       = ["migrate"]
  env           = local.environment
  user          = local.user
  read_only     = true
  security_opts = ["no-new-privileges:true"]
  tmpfs         = { "/tmp" = "rw,nosuid,nodev,mode=1777", (local.data_dir) = "rw,nosuid,nodev,mode=1777" }
  memory        = var.memory_mib.worker
  must_run      = false
  attach        = true
  logs          = true
  restart       = "no"

  capabilities {
    drop = ["ALL"]
  }

  networks_advanced {
    name = docker_network.back.name
  }

  dynamic "mounts" {
    for_each = local.files

    content {
      type      = "bind"
      source    = "${var.secrets_dir}/${mounts.value}"
      target    = "${local.secrets}/${mounts.value}"
      read_only = true
    }
  }

  lifecycle {
    postcondition {
      condition     = self.exit_code == 0
      error_message = "The migration failed; docker logs ${self.name} says why."
    }
  }

  depends_on = [docker_container.server]
}

resource "docker_container" "service" {
  for_each = local.containers

  name          = "${var.name}-${each.key}"
  image         = docker_image.cordwood.image_id
  command       = [each.value.service]
  env           = local.environment
  user          = local.user
  read_only     = true
  security_opts = ["no-new-privileges:true"]
  tmpfs         = { "/tmp" = "rw,nosuid,nodev,mode=1777" }
  memory        = var.memory_mib[each.value.service]
  restart       = "unless-stopped"
  log_opts      = { max-size = "20m", max-file = "5" }

  stop_timeout          = local.stop_s
  destroy_grace_seconds = local.stop_s
  wait                  = true
  wait_timeout          = 120

  capabilities {
    drop = ["ALL"]
  }

  healthcheck {
    test         = ["CMD", "cordwood", "ready", each.value.service]
    interval     = "10s"
    timeout      = "8s"
    retries      = 3
    start_period = "60s"
  }

  networks_advanced {
    name    = docker_network.back.name
    aliases = [each.key]
  }

  # The door finds all containers of a service by one name. Workers have no way in or out.
  dynamic "networks_advanced" {
    for_each = each.value.service == "worker" ? [] : [docker_network.front.name]

    content {
      name    = networks_advanced.value
      aliases = [each.value.service]
    }
  }

  mounts {
    type   = "volume"
    source = docker_volume.data[each.key].name
    target = local.data_dir
  }

  dynamic "mounts" {
    for_each = var.keep == "rows" || each.value.service == "api" ? [] : [docker_volume.segments.name]

    content {
      type   = "volume"
      source = mounts.value
      target = local.segments_dir
    }
  }

  dynamic "mounts" {
    for_each = local.files

    content {
      type      = "bind"
      source    = "${var.secrets_dir}/${mounts.value}"
      target    = "${local.secrets}/${mounts.value}"
      read_only = true
    }
  }

  depends_on = [docker_container.migrate, docker_container.prepare]
}
