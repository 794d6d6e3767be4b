# For a company: segments alone in S3, a cluster of RabbitMQ, gateways in each zone, room to grow.

terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }

  # The state holds passwords: an encrypted bucket that few may read. use_lockfile came with 1.10.
  backend "s3" {
    key          = "cordwood/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { service = "cordwood", stage = "production" }
  }
}

module "cordwood" {
  source = "../../aws"

  image           = var.image
  certificate_arn = var.certificate_arn
  ingress_cidrs   = ["10.0.0.0/8"]
  internal        = true
  nat             = "each_zone"

  keep           = "segments"
  retention_days = 90
  alarm_email    = "ops@example.org"
  egress_ports   = [443, 587]

  database = { instance_class = "db.r7g.xlarge", storage_gib = 400, max_storage_gib = 4000, backup_days = 35 }
  broker   = { instance_type = "mq.m7g.xlarge" }
  cache    = { node_type = "cache.r7g.large", nodes = 3 }
  api      = { cpu = 2048, memory = 4096, min = 3, max = 30 }
  worker   = { cpu = 2048, memory = 8192, min = 4, max = 40, disk_gib = 60 }
  query    = { cpu = 4096, memory = 16384, min = 2, max = 10, disk_gib = 200 }

  settings = {
    CORDWOOD_STORE_S3_CACHE_BYTES  = "107374182400"
    CORDWOOD_STORE_MEMORY_BYTES    = "4294967296"
    CORDWOOD_CANARY_INTERVAL_S     = "10"
    CORDWOOD_CANARY_URL            = "https://logs.example.org"
    CORDWOOD_ALERTS_PUBLIC_URL     = "https://logs.example.org"
    CORDWOOD_ALERTS_SMTP_HOST      = "email-smtp.eu-central-1.amazonaws.com"
    CORDWOOD_ALERTS_SMTP_USER      = var.smtp_user
    CORDWOOD_ALERTS_MAIL_FROM      = "cordwood@example.org"
    CORDWOOD_INGEST_HEARTBEAT_S    = "5"
    CORDWOOD_QUERY_SQL_MAX_AT_ONCE = "4"
  }
  secrets = {
    CORDWOOD_ALERTS_SMTP_PASSWORD = var.smtp_password_secret
    CORDWOOD_CANARY_API_KEY       = var.canary_key_secret
  }
}

variable "image" {
  description = "The image of all services, by digest"
  type        = string
}

variable "certificate_arn" {
  description = "ACM certificate of logs.example.org"
  type        = string
}

variable "smtp_user" {
  description = "User that mails alerts"
  type        = string
}

variable "smtp_password_secret" {
  description = "ARN of the secret that holds its password"
  type        = string
}

variable "canary_key_secret" {
  description = "ARN of the secret that holds a key with the scopes ingest and query"
  type        = string
}

output "door" {
  description = "DNS name of the load balancer"
  value       = module.cordwood.door
}

output "run_once" {
  description = "Command that runs a task of its own"
  value       = module.cordwood.run_once
}
