output "url" {
  description = "Where senders and people go"
  value       = "${var.tls_dir == "" ? "http" : "https"}://${var.listen_address}:${var.port}"
}

output "key_file" {
  description = "File on the Docker host that holds the first API key"
  value       = "${var.secrets_dir}/api_keys"
}

output "containers" {
  description = "Names of all containers of services"
  value       = sort([for each in docker_container.service : each.name])
}
