# A group for each part. Who may connect to whom is one list: `local.ways`.

locals {
  # To part, from service, port.
  ways = merge(
    { for service in keys(local.services) : "${service}-to-database" => { to = aws_security_group.database.id, from = service, port = local.database_port } },
    { for service in keys(local.services) : "${service}-to-cache" => { to = aws_security_group.cache.id, from = service, port = local.cache_port } },
    # Query does not look into the queue.
    { for service in ["api", "worker"] : "${service}-to-broker" => { to = aws_security_group.broker.id, from = service, port = local.broker_port } },
  )
  database_port = 5432
  cache_port    = 6379
  broker_port   = 5671

  from_anywhere = { for pair in setproduct([80, 443], var.ingress_cidrs) : "${pair[0]}-${pair[1]}" => { port = pair[0], cidr = pair[1] } }
  to_anywhere   = { for pair in setproduct(keys(local.services), var.egress_ports) : "${pair[0]}-${pair[1]}" => { service = pair[0], port = pair[1] } }
}

resource "aws_security_group" "door" {
  name        = "${var.name}-door"
  description = "The load balancer"
  vpc_id      = aws_vpc.this.id
  tags        = var.tags
}

resource "aws_security_group" "service" {
  # checkov:skip=CKV2_AWS_5: each is its ECS service's, which is found by the same key
  for_each = local.services

  name        = "${var.name}-${each.key}"
  description = "Tasks of ${each.key}"
  vpc_id      = aws_vpc.this.id
  tags        = var.tags
}

resource "aws_security_group" "database" {
  name        = "${var.name}-database"
  description = "PostgreSQL"
  vpc_id      = aws_vpc.this.id
  tags        = var.tags
}

resource "aws_security_group" "broker" {
  name        = "${var.name}-broker"
  description = "RabbitMQ"
  vpc_id      = aws_vpc.this.id
  tags        = var.tags
}

resource "aws_security_group" "cache" {
  name        = "${var.name}-cache"
  description = "Redis"
  vpc_id      = aws_vpc.this.id
  tags        = var.tags
}

resource "aws_vpc_security_group_ingress_rule" "door" {
  # Port 80 only says where 443 is.
  # checkov:skip=CKV_AWS_260: it answers with a redirect, and to whom is the caller's choice (ingress_cidrs)
  for_each = local.from_anywhere

  security_group_id = aws_security_group.door.id
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  description       = "Senders and people"
}

resource "aws_vpc_security_group_egress_rule" "door" {
  for_each = local.behind_the_door

  security_group_id            = aws_security_group.door.id
  referenced_security_group_id = aws_security_group.service[each.key].id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  description                  = "To ${each.key}"
}

resource "aws_vpc_security_group_ingress_rule" "service" {
  for_each = local.behind_the_door

  security_group_id            = aws_security_group.service[each.key].id
  referenced_security_group_id = aws_security_group.door.id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  description                  = "From the load balancer"
}

resource "aws_vpc_security_group_egress_rule" "way" {
  for_each = local.ways

  security_group_id            = aws_security_group.service[each.value.from].id
  referenced_security_group_id = each.value.to
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  description                  = each.key
}

resource "aws_vpc_security_group_ingress_rule" "way" {
  for_each = local.ways

  security_group_id            = each.value.to
  referenced_security_group_id = aws_security_group.service[each.value.from].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  description                  = each.key
}

resource "aws_vpc_security_group_egress_rule" "anywhere" {
  for_each = local.to_anywhere

  security_group_id = aws_security_group.service[each.value.service].id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  description       = "AWS services, the image, webhooks"
}
