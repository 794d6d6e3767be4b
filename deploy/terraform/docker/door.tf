# One address for all: what takes logs goes to api, everything else to query.

locals {
  # All that the api service takes and query does not: docs/reference/http.md.
  api_paths = ["/log", "/api/v1/ingest", "/api/v1/limits"]

  # For those who look after the services, from within.
  inner_paths = ["/health", "/ready", "/metrics"]

  door_port = 8443
  door_conf = templatefile("${path.module}/door.conf.tftpl", {
    port        = local.door_port
    is_tls      = var.tls_dir != ""
    api_paths   = local.api_paths
    inner_paths = local.inner_paths
    api_port    = local.services.api.port
    query_port  = local.services.query.port
  })
}

resource "docker_container" "door" {
  name  = "${var.name}-door"
  image = docker_image.server["door"].image_id
  # A file cannot be put into a read-only container, so it travels in a variable; nothing in it is secret.
  entrypoint    = ["sh", "-c", "printf %s \"$DOOR_CONF\" > /tmp/door.conf && exec nginx -c /tmp/door.conf"]
  env           = ["DOOR_CONF=${local.door_conf}"]
  user          = "101:101"
  read_only     = true
  security_opts = ["no-new-privileges:true"]
  tmpfs         = { "/tmp" = "rw,nosuid,nodev,mode=1777" }
  memory        = var.memory_mib.door
  restart       = "unless-stopped"
  log_opts      = { max-size = "20m", max-file = "5" }
  stop_signal   = "SIGQUIT" # answers what it has begun
  stop_timeout  = 30

  capabilities {
    drop = ["ALL"]
  }

  ports {
    ip       = var.listen_address
    internal = local.door_port
    external = var.port
  }

  networks_advanced {
    name = docker_network.front.name
  }

  dynamic "mounts" {
    for_each = var.tls_dir == "" ? [] : ["cert.pem", "key.pem"]

    content {
      type      = "bind"
      source    = "${var.tls_dir}/${mounts.value}"
      target    = "/etc/nginx/tls/${mounts.value}"
      read_only = true
    }
  }

  depends_on = [docker_container.service]
}
