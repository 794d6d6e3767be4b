# Passwords are made here and lie in Terraform's state, too: keep that encrypted, and open to few.

resource "random_password" "database" {
  length  = 40
  special = false # it stands in a URL
}

resource "random_password" "broker" {
  length  = 40
  special = false
}

resource "random_password" "cache" {
  length  = 40
  special = false
}

# The first key, with every scope on the tenant "default"; others are made with `cordwood keys create`.
resource "random_password" "first_key" {
  length  = 48
  special = false
}

locals {
  database_tls    = var.database.ca_file == "" ? "sslmode=require" : "sslmode=verify-full&sslrootcert=${var.database.ca_file}"
  broker_endpoint = aws_mq_broker.this.instances[0].endpoints[0]

  # What a task reads from Secrets Manager when it starts, by setting.
  secrets = {
    CORDWOOD_STORE_URL        = "postgresql://cordwood:${random_password.database.result}@${aws_db_instance.this.endpoint}/cordwood?${local.database_tls}"
    CORDWOOD_BROKER_URL       = replace("${local.broker_endpoint}/", "amqps://", "amqps://cordwood:${random_password.broker.result}@")
    CORDWOOD_CACHE_URL        = "rediss://:${random_password.cache.result}@${aws_elasticache_replication_group.this.primary_endpoint_address}:${local.cache_port}/0"
    CORDWOOD_TENANCY_API_KEYS = random_password.first_key.result
  }
}

resource "aws_secretsmanager_secret" "this" {
  # checkov:skip=CKV2_AWS_57: a new password must reach the server, the secret and the tasks together: terraform apply -replace does
  for_each = toset(["CORDWOOD_STORE_URL", "CORDWOOD_BROKER_URL", "CORDWOOD_CACHE_URL", "CORDWOOD_TENANCY_API_KEYS"])

  name_prefix             = "${var.name}/${lower(trimprefix(each.key, "CORDWOOD_"))}-"
  description             = "${each.key} of ${var.name}"
  kms_key_id              = aws_kms_key.this.arn
  recovery_window_in_days = 7
  tags                    = var.tags
}

resource "aws_secretsmanager_secret_version" "this" {
  for_each = aws_secretsmanager_secret.this

  secret_id     = each.value.id
  secret_string = local.secrets[each.key]
}
