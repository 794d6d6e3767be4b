# PostgreSQL, RabbitMQ and Redis: read-only, without root, on the inner network alone. Terraform waits until each is well.

locals {
  # Debian's images of all three have this user.
  server_user = "999:999"

  servers = {
    postgres = {
      command  = ["postgres", "-c", "max_connections=200", "-c", "shared_buffers=${floor(var.memory_mib.postgres / 4)}MB", "-c", "max_wal_size=4GB"]
      env      = ["POSTGRES_USER=cordwood", "POSTGRES_DB=cordwood", "POSTGRES_PASSWORD_FILE=${local.secrets}/postgres_password"]
      files    = { postgres_password = "${local.secrets}/postgres_password" }
      volume   = { name = docker_volume.postgres.name, path = "/var/lib/postgresql/data" }
      scratch  = ["/tmp", "/var/run/postgresql"]
      health   = ["CMD", "pg_isready", "--quiet", "--host=127.0.0.1", "--username=cordwood", "--dbname=cordwood"]
      shm_size = 256
    }
    rabbitmq = {
      command  = ["rabbitmq-server"]
      env      = []
      files    = { "rabbitmq.conf" = "/etc/rabbitmq/conf.d/20-cordwood.conf" }
      volume   = { name = docker_volume.rabbitmq.name, path = "/var/lib/rabbitmq" }
      scratch  = ["/tmp"]
      health   = ["CMD", "rabbitmq-diagnostics", "--quiet", "check_port_listener", "5672"]
      shm_size = 64
    }
    redis = {
      command  = ["redis-server", "${local.secrets}/redis.conf"]
      env      = []
      files    = { "redis.conf" = "${local.secrets}/redis.conf" }
      volume   = null
      scratch  = ["/tmp", "/data"]
      health   = ["CMD-SHELL", "REDISCLI_AUTH=$(sed -n 's/^requirepass //p' ${local.secrets}/redis.conf) redis-cli ping | grep -q PONG"]
      shm_size = 64
    }
  }
}

resource "docker_container" "server" {
  for_each = local.servers

  name     = "${var.name}-${each.key}"
  image    = docker_image.server[each.key].image_id
  command  = each.value.command
  env      = each.value.env
  hostname = each.key # RabbitMQ keeps its data under this name
  user     = local.server_user

  read_only     = true
  security_opts = ["no-new-privileges:true"]
  tmpfs         = { for path in each.value.scratch : path => "rw,nosuid,nodev,mode=1777" }
  shm_size      = each.value.shm_size
  memory        = var.memory_mib[each.key]
  restart       = "unless-stopped"
  log_opts      = { max-size = "20m", max-file = "5" }

  # PostgreSQL ends its sessions (SIGINT) rather than wait for them (SIGTERM).
  stop_signal  = each.key == "postgres" ? "SIGINT" : "SIGTERM"
  stop_timeout = 60

  wait         = true
  wait_timeout = 180

  capabilities {
    drop = ["ALL"]
  }

  healthcheck {
    test         = each.value.health
    interval     = "10s"
    timeout      = "10s"
    retries      = 6
    start_period = "60s"
  }

  networks_advanced {
    name    = docker_network.back.name
    aliases = [each.key]
  }

  dynamic "mounts" {
    for_each = each.value.files

    content {
      type      = "bind"
      source    = "${var.secrets_dir}/${mounts.key}"
      target    = mounts.value
      read_only = true
    }
  }

  dynamic "mounts" {
    for_each = each.value.volume == null ? [] : [each.value.volume]

    content {
      type   = "volume"
      source = mounts.value.name
      target = mounts.value.path
    }
  }
}
