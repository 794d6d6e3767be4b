resource "aws_elasticache_subnet_group" "this" {
  name       = var.name
  subnet_ids = aws_subnet.private[*].id
  tags       = var.tags
}

# Answers that can be asked for again, the feed of live tails, and counts of limits: nothing that must be kept.
resource "aws_elasticache_replication_group" "this" {
  # checkov:skip=CKV2_AWS_50: it fails over by itself from two nodes on, which is the default (cache.nodes)
  # checkov:skip=CKV_AWS_134: nothing in it needs a backup
  replication_group_id = var.name
  description          = "Cache and live tail of ${var.name}"
  engine               = "redis"
  engine_version       = "7.1"
  node_type            = var.cache.node_type
  num_cache_clusters   = var.cache.nodes
  port                 = local.cache_port

  automatic_failover_enabled = var.cache.nodes > 1
  multi_az_enabled           = var.cache.nodes > 1
  auto_minor_version_upgrade = true

  at_rest_encryption_enabled = true
  kms_key_id                 = aws_kms_key.this.arn
  transit_encryption_enabled = true
  auth_token                 = random_password.cache.result

  subnet_group_name  = aws_elasticache_subnet_group.this.name
  security_group_ids = [aws_security_group.cache.id]
  tags               = var.tags
}
