# The least that runs on AWS: one of each service, single instances, to be thrown away.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

module "cordwood" {
  source = "../../aws"

  name            = "cordwood-trial"
  image           = var.image
  certificate_arn = var.certificate_arn
  ingress_cidrs   = var.ingress_cidrs

  zones               = 2
  deletion_protection = false
  log_days            = 7
  keep                = "rows"

  database = { instance_class = "db.t4g.medium", storage_gib = 20, max_storage_gib = 50, multi_az = false, backup_days = 1 }
  broker   = { instance_type = "mq.m7g.medium", cluster = false }
  cache    = { node_type = "cache.t4g.micro", nodes = 1 }
  api      = { cpu = 512, memory = 1024, min = 1, max = 2 }
  worker   = { min = 1, max = 2 }
  query    = { cpu = 1024, memory = 4096, min = 1, max = 2 }
  alarms   = { free_storage_gib = 5 }
}

variable "image" {
  description = "The image of all services"
  type        = string
}

variable "certificate_arn" {
  description = "ACM certificate of the name that is used"
  type        = string
}

variable "ingress_cidrs" {
  description = "Addresses that may connect"
  type        = list(string)
}

output "door" {
  description = "DNS name of the load balancer"
  value       = module.cordwood.door
}

output "first_key_secret" {
  description = "ARN of the secret that holds the first API key"
  value       = module.cordwood.first_key_secret
}

output "run_once" {
  description = "Command that runs a task of its own"
  value       = module.cordwood.run_once
}
