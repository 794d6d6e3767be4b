# Behind: servers and services, without a way out. In front: the door, what it leads to, and where webhooks go from.

resource "docker_network" "back" {
  name     = "${var.name}-back"
  internal = true
}

resource "docker_network" "front" {
  name = "${var.name}-front"
}

resource "docker_volume" "postgres" {
  name = "${var.name}-postgres"
}

resource "docker_volume" "rabbitmq" {
  name = "${var.name}-rabbitmq"
}

resource "docker_volume" "segments" {
  name = "${var.name}-segments"
}

# Spools, spilled questions, copies: of one container each, and none that must outlive it but a spool.
resource "docker_volume" "data" {
  for_each = local.containers

  name = "${var.name}-${each.key}"
}

resource "docker_image" "cordwood" {
  name         = var.image
  keep_locally = true
}

resource "docker_image" "server" {
  for_each = var.server_images

  name         = each.value
  keep_locally = true
}
