# One load balancer: what takes logs goes to api, everything else to query. Workers are not behind it.

locals {
  behind_the_door = { for service in ["api", "query"] : service => local.services[service].port }

  # All that the api service takes and query does not: docs/reference/http.md.
  api_paths = ["/log", "/api/v1/ingest", "/api/v1/limits"]

  # For those who look after the services, from within.
  inner_paths = ["/health", "/ready", "/metrics"]
}

resource "aws_lb" "this" {
  # checkov:skip=CKV2_AWS_28: a web firewall is the caller's to attach; bodies of logs look like attacks to its usual rules
  # checkov:skip=CKV_AWS_91: written where the caller names a bucket for them (access_logs_bucket)
  # checkov:skip=CKV_AWS_150: protection is the default, and must be taken away before terraform destroy
  name                       = var.name
  load_balancer_type         = "application"
  internal                   = var.internal
  subnets                    = var.internal ? aws_subnet.private[*].id : aws_subnet.public[*].id
  security_groups            = [aws_security_group.door.id]
  idle_timeout               = var.idle_timeout_s
  drop_invalid_header_fields = true
  enable_deletion_protection = var.deletion_protection
  tags                       = var.tags

  dynamic "access_logs" {
    for_each = var.access_logs_bucket == "" ? [] : [var.access_logs_bucket]

    content {
      bucket  = access_logs.value
      prefix  = var.name
      enabled = true
    }
  }
}

resource "aws_lb_target_group" "this" {
  # checkov:skip=CKV_AWS_378: TLS ends here; behind it are this VPC's private subnets and one security group
  for_each = local.behind_the_door

  name                          = "${var.name}-${each.key}"
  port                          = each.value
  protocol                      = "HTTP"
  target_type                   = "ip"
  vpc_id                        = aws_vpc.this.id
  deregistration_delay          = local.deregistration_s
  load_balancing_algorithm_type = "least_outstanding_requests"
  tags                          = var.tags

  health_check {
    path                = "/ready"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"
  tags              = var.tags

  default_action {
    type = "redirect"

    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = var.certificate_arn
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  tags              = var.tags

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this["query"].arn
  }
}

resource "aws_lb_listener_rule" "inner" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 10
  tags         = var.tags

  condition {
    path_pattern {
      values = local.inner_paths
    }
  }

  action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "not here"
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener_rule" "api" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 20
  tags         = var.tags

  condition {
    path_pattern {
      values = local.api_paths
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this["api"].arn
  }
}
