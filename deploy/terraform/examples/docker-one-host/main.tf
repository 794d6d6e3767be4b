# Everything on one Docker host, behind a certificate:
#   sudo deploy/secrets.sh /etc/cordwood/secrets
#   terraform init && terraform apply

terraform {
  required_version = ">= 1.9"

  required_providers {
    docker = {
      source  = "kreuzwerker/docker"
      version = ">= 3.6, < 5.0"
    }
  }
}

provider "docker" {
  host = var.docker_host
}

module "cordwood" {
  source = "../../docker"

  image          = var.image
  secrets_dir    = "/etc/cordwood/secrets"
  tls_dir        = "/etc/cordwood/tls"
  listen_address = "0.0.0.0"
  port           = 443
  replicas       = { api = 2, worker = 3, query = 2 }
  keep           = "both"
  retention_days = 30

  settings = {
    CORDWOOD_STORE_ROWS_DAYS = "7"
  }
}

variable "docker_host" {
  description = "The Docker engine, as unix:///var/run/docker.sock or ssh://user@host"
  type        = string
  default     = "unix:///var/run/docker.sock"
}

variable "image" {
  description = "The image of all services"
  type        = string
}

output "url" {
  description = "Where senders and people go"
  value       = module.cordwood.url
}
