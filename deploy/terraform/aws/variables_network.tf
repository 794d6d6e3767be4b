variable "cidr" {
  description = "Addresses of the VPC; each zone takes two sixteenths"
  type        = string
  default     = "10.64.0.0/16"

  validation {
    condition     = can(cidrsubnet(var.cidr, 4, 15)) && try(tonumber(split("/", var.cidr)[1]) <= 22, false)
    error_message = "cidr: an IPv4 block of /22 or larger, as 10.64.0.0/16."
  }
}

variable "zones" {
  description = "Availability zones to use; a RabbitMQ cluster is spread over three"
  type        = number
  default     = 3

  validation {
    condition     = contains([2, 3], var.zones)
    error_message = "zones: 2 or 3; load balancer and database need two."
  }
}

variable "nat" {
  description = "How the private subnets reach the internet: none (the image is in ECR; webhooks of alerts go nowhere), one gateway, or each_zone"
  type        = string
  default     = "one"

  validation {
    condition     = contains(["none", "one", "each_zone"], var.nat)
    error_message = "nat: none, one or each_zone."
  }
}

variable "interface_endpoints" {
  description = "Reach ECR, CloudWatch Logs and Secrets Manager within the VPC; needed with nat = none. The endpoint of S3 is always there"
  type        = bool
  default     = false

  validation {
    condition     = var.interface_endpoints || var.nat != "none"
    error_message = "interface_endpoints: without a NAT gateway tasks can neither pull the image nor read their secrets; set it to true."
  }
}

variable "certificate_arn" {
  description = "ACM certificate of the names that people and senders use"
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:acm:", var.certificate_arn))
    error_message = "certificate_arn: the ARN of a certificate in ACM, in this region."
  }
}

variable "internal" {
  description = "Keep the load balancer within the VPC and what is connected to it"
  type        = bool
  default     = false
}

variable "ingress_cidrs" {
  description = "Addresses that may connect to the load balancer; 0.0.0.0/0 is everybody (who needs a key all the same)"
  type        = list(string)

  validation {
    condition     = length(var.ingress_cidrs) > 0 && alltrue([for each in var.ingress_cidrs : can(cidrhost(each, 0))])
    error_message = "ingress_cidrs: at least one block, as 203.0.113.0/24."
  }
}

variable "access_logs_bucket" {
  description = "Bucket that takes the load balancer's access logs, with the policy that AWS asks for; empty writes none"
  type        = string
  default     = ""
}

variable "egress_ports" {
  description = "TCP ports that the services may connect to anywhere: 443 for S3, Secrets Manager and webhooks; 587 or 465 for mail"
  type        = list(number)
  default     = [443]

  validation {
    condition     = contains(var.egress_ports, 443) && alltrue([for port in var.egress_ports : port > 0 && port < 65536])
    error_message = "egress_ports: ports from 1 to 65535, 443 among them."
  }
}

variable "idle_timeout_s" {
  description = "Seconds that a connection through the load balancer may be silent: as long as a question may take before its first byte"
  type        = number
  default     = 310

  validation {
    condition     = var.idle_timeout_s >= 60 && var.idle_timeout_s <= 4000
    error_message = "idle_timeout_s: 60 to 4000."
  }
}
